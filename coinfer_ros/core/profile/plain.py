# SPDX-License-Identifier: Apache-2.0
"""Records as plain lists, texts and numbers, and back: what a file holds and people read."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from coinfer_ros.core import arrays, checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.profile.profile import Profile

FORMAT = "coinfer-profile/1"
INFINITE = "inf"  # JSON has neither an infinity nor a NaN; that is null
_LONGEST = 2**53  # whole numbers that every JSON reader keeps
T = TypeVar("T")


def to_plain(profile: Profile) -> dict[str, Any]:
    """Return a profile as nested mappings and lists, NaN as None, its format first."""
    return {"format": FORMAT, **plain(profile)}


def from_plain(content: object) -> Profile:
    """Return the profile that plain content describes.

    :raises InvalidInput: naming the format or the field, its rule and what came.
    """
    if not isinstance(content, Mapping) or content.get("format") != FORMAT:
        found = content.get("format") if isinstance(content, Mapping) else type(content).__name__
        raise InvalidInput(f"format must be {FORMAT!r}, got {found!r}")
    return _record(Profile, {k: v for k, v in content.items() if k != "format"}, "")


def plain(value: Any) -> Any:
    """Return a record, a table or a number without anything that JSON does not have."""
    if dataclasses.is_dataclass(value):
        return {one.name: plain(getattr(value, one.name)) for one in dataclasses.fields(value)}
    if isinstance(value, np.ndarray):
        return plain(value.tolist())
    if isinstance(value, tuple | list):
        return [plain(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else INFINITE
    return value


def _record(kind: type[T], content: object, name: str) -> T:
    if not isinstance(content, Mapping):
        raise InvalidInput(f"{name} must be an object, got {_kind(content)}")
    hints, inside = get_type_hints(kind), f"{name}." if name else ""
    missing = [inside + one for one in hints if one not in content]
    unknown = [inside + str(one) for one in content if one not in hints]
    if missing or unknown:
        raise InvalidInput(
            f"{name or 'profile'} must have the fields of {FORMAT}; missing: "
            f"{', '.join(missing) or 'none'}, unknown: {', '.join(unknown) or 'none'}"
        )
    values = {one: _value(hint, content[one], inside + one) for one, hint in hints.items()}
    try:
        return kind(**values)
    except InvalidInput as error:
        raise InvalidInput(f"{inside}{error}") from error


def _value(hint: Any, content: object, name: str) -> Any:
    if dataclasses.is_dataclass(hint):
        return _record(hint, content, name)  # type: ignore[arg-type]
    if get_origin(hint) is np.ndarray:
        return arrays.reals(name, _numbers(content, name))
    if get_origin(hint) is tuple:
        kind = get_args(hint)[0]
        return tuple(
            _value(kind, one, f"{name}[{place}]") for place, one in enumerate(_list(content, name))
        )
    if hint is float:
        return _number(content, name)
    if hint is int:
        return checks.whole(name, content, low=-_LONGEST, high=_LONGEST)
    if not isinstance(content, str):
        raise InvalidInput(f"{name} must be text, got {_kind(content)}")
    return content


def _list(content: object, name: str) -> list[Any]:
    if not isinstance(content, list):
        raise InvalidInput(f"{name} must be a list, got {_kind(content)}")
    return content


def _numbers(content: object, name: str) -> Any:
    return [
        _numbers(one, name) if isinstance(one, list) else _number(one, name)
        for one in _list(content, name)
    ]


def _number(content: object, name: str) -> float:
    if content is None:
        return math.nan
    return math.inf if content == INFINITE else checks.number(name, content)


def _kind(content: object) -> str:
    return "nothing" if content is None else type(content).__name__
