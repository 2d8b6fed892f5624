# SPDX-License-Identifier: Apache-2.0
"""One declaration a setting: type, default, range, unit, description and whether it is live.

A node's settings are a frozen dataclass whose fields are made by :func:`setting`. ROS parameters,
their descriptors, the YAML files' names and the parameter page all follow from it.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput

Value = bool | int | float | str
T = TypeVar("T")
LONGEST_TEXT_BYTES = 1024


@dataclass(frozen=True)
class Setting:
    """The declaration of one setting.

    :param name: dotted name that users see, unit last (``budget.delay_s``).
    :param default: its type is the setting's type.
    :param description: one sentence for people.
    :param low: least value allowed, in the name's unit (numbers only).
    :param high: greatest value allowed.
    :param choices: allowed values; empty allows any.
    :param live: may change while the node is active.
    """

    name: str
    default: Value
    description: str
    low: float = -math.inf
    high: float = math.inf
    choices: tuple[str, ...] | tuple[int, ...] = ()
    live: bool = False

    @property
    def rule(self) -> str:
        """The rule in words, for descriptors and the parameter page."""
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        if isinstance(self.default, bool):
            return "true or false"
        if isinstance(self.default, str):
            return f"text of at most {LONGEST_TEXT_BYTES} bytes"
        if self.low == -math.inf and self.high == math.inf:
            return "any finite number"
        return f"in [{self.low:g}, {self.high:g}]"

    def check(self, value: object) -> Value:
        """Return ``value`` in this setting's type.

        A whole number is taken for a real one (``1`` for ``1.0``), which ROS alone refuses.

        :raises InvalidInput: naming the setting, its rule and what came.
        """
        if isinstance(self.default, bool):
            if not isinstance(value, bool):
                raise InvalidInput(f"{self.name} must be true or false, got {value!r}")
            return value
        if self.choices:
            if type(value) is not type(self.default) or value not in self.choices:
                raise InvalidInput(f"{self.name} must be {self.rule}, got {value!r}")
            return value
        if isinstance(self.default, str):
            if not isinstance(value, str) or len(value.encode()) > LONGEST_TEXT_BYTES:
                shown = repr(value)[:80]
                raise InvalidInput(f"{self.name} must be {self.rule}, got {shown}")
            return value
        if isinstance(self.default, int):
            return checks.whole(self.name, value, low=int(self.low), high=int(self.high))
        return checks.number(self.name, value, low=self.low, high=self.high)


def setting(
    name: str,
    default: Value,
    description: str,
    *,
    low: float = -math.inf,
    high: float = math.inf,
    choices: tuple[str, ...] | tuple[int, ...] = (),
    live: bool = False,
) -> Any:
    """Declare one field of a settings dataclass; see :class:`Setting`."""
    declared = Setting(name, default, description, low, high, choices, live)
    return dataclasses.field(default=default, metadata={"setting": declared})


def declared(kind: type) -> tuple[Setting, ...]:
    """Return the declarations of a settings dataclass, in order."""
    return tuple(f.metadata["setting"] for f in dataclasses.fields(kind))


def build(kind: type[T], values: Mapping[str, object]) -> T:
    """Build a settings dataclass from dotted names, defaults for what is absent.

    :raises InvalidInput: one line that names every offender.
    """
    known = {f.metadata["setting"].name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    offences = [
        f"unknown setting {name!r} (known: {', '.join(known)})"
        for name in values
        if name not in known
    ]
    good: dict[str, Value] = {}
    for name, field in known.items():
        try:
            good[field.name] = field.metadata["setting"].check(
                values.get(name, field.metadata["setting"].default)
            )
        except InvalidInput as error:
            offences.append(str(error))
    if offences:
        raise InvalidInput("; ".join(offences))
    return kind(**good)
