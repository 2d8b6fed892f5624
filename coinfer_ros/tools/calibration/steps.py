# SPDX-License-Identifier: Apache-2.0
"""Takes named measurements one after the other, leaving out those that are done."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Tick = Callable[[], None]


@dataclass(frozen=True)
class Step:
    """One measurement.

    :param key: its name, one of its kind in a calibration.
    :param units: how many ticks it gives, so that the time that is left can be told.
    :param title: what people read while it runs.
    :param measure: takes it and returns what JSON can hold, numbers exactly.
    """

    key: str
    units: int
    title: str
    measure: Callable[[Tick], Any]


def take(
    steps: Sequence[Step],
    done: Mapping[str, Any],
    *,
    keep: Callable[[str, Any], None],
    begin: Callable[[Step], None] = lambda _: None,
    tick: Tick = lambda: None,
) -> dict[str, Any]:
    """Return what every step measured, by its key.

    :param steps: in the order to take them in.
    :param done: what was measured before.
    :param keep: gets each key and value as soon as it is there.
    :param begin: gets each step before it is taken.
    :param tick: called for each unit.
    """
    found = {step.key: done[step.key] for step in steps if step.key in done}
    for step in steps:
        if step.key not in found:
            begin(step)
            found[step.key] = step.measure(tick)
            keep(step.key, found[step.key])
    return found
