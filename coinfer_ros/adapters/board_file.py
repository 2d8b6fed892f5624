# SPDX-License-Identifier: Apache-2.0
"""Reads a board file: every number with its source, or a refusal that names the number."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from coinfer_ros.core import checks
from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Processor
from coinfer_ros.core.errors import InvalidInput, Unavailable

_NUMBERS = (
    "default_clock_hz",
    "flop_per_cycle",
    "power_coefficient",
    "pue",
    "idle_power_w",
    "transition_s",
    "sensor_period_s",
    "energy_resolution_j",
)
_ALL = ("clock_steps_hz", *_NUMBERS)


class _Loader(yaml.SafeLoader):  # type: ignore[misc]
    """YAML 1.1, which PyYAML speaks, takes 1.0e9 for text; people mean the number."""


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"[-+]?[0-9]+(\.[0-9]*)?[eE][-+]?[0-9]+$"),
    list("-+0123456789"),
)


def read(path: Path) -> Board:
    """Read the YAML board file at ``path``.

    Every entry is ``name: {value: ..., source: ...}``; ``clock_steps_hz`` has a list of Hz or
    ``{first, last, step}`` as its value.

    :raises Unavailable: when the file cannot be read.
    :raises InvalidInput: naming the file, the entry, its rule and what came.
    """
    try:
        entries = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)  # noqa: S506
    except OSError as error:
        raise Unavailable(
            f"board.file must be a readable file, got {str(path)!r}: {error}"
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        problem = str(error).replace("\n", " ")
        raise InvalidInput(f"board.file must be YAML, got {str(path)!r}: {problem}") from error
    try:
        return _board(path.stem, entries)
    except InvalidInput as error:
        raise InvalidInput(f"board.file {str(path)!r}: {error}") from error


def _board(name: str, entries: object) -> Board:
    if not isinstance(entries, dict):
        raise InvalidInput(f"the file must hold entries, got {type(entries).__name__}")
    missing = [entry for entry in _ALL if entry not in entries]
    unknown = [str(entry) for entry in entries if entry not in _ALL]
    if missing or unknown:
        raise InvalidInput(
            f"entries must be {', '.join(_ALL)}; missing: {', '.join(missing) or 'none'}, "
            f"unknown: {', '.join(unknown) or 'none'}"
        )
    for entry in _ALL:
        content = entries[entry]
        if not isinstance(content, dict) or set(content) != {"value", "source"}:
            raise InvalidInput(f"{entry} must have a value and a source, got {content!r}")
    values = {entry: checks.number(entry, entries[entry]["value"], low=0.0) for entry in _NUMBERS}
    steps = _steps(entries["clock_steps_hz"]["value"])
    return Board(
        name=name,
        processor=Processor(
            clock_max_hz=steps[-1],
            flop_per_cycle=values["flop_per_cycle"],
            pue=values["pue"],
            power_coefficient=values["power_coefficient"],
        ),
        clock_steps_hz=steps,
        default_clock_hz=values["default_clock_hz"],
        idle_power_w=values["idle_power_w"],
        transition_s=values["transition_s"],
        sensor_period_s=values["sensor_period_s"],
        energy_resolution_j=values["energy_resolution_j"],
    )


def _steps(value: object) -> tuple[float, ...]:
    if isinstance(value, dict) and set(value) == {"first", "last", "step"}:
        first, last, step = (
            checks.number(f"clock_steps_hz.{key}", value[key], above=0.0, unit="Hz")
            for key in ("first", "last", "step")
        )
        return tuple(first + step * k for k in range(int((last - first) / step + 0.5) + 1))
    if isinstance(value, list) and value:
        return tuple(checks.number("clock_steps_hz", step, above=0.0, unit="Hz") for step in value)
    raise InvalidInput(
        f"clock_steps_hz must be a list of Hz or {{first, last, step}}, got {value!r}"
    )
