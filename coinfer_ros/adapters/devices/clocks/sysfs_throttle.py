# SPDX-License-Identifier: Apache-2.0
"""Says what keeps a clock from what was asked for: heat or current, as Linux shows them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from coinfer_ros.adapters.devices.sysfs import read_number, read_text
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable


class Throttle:
    """Looks at cooling devices and at counters of throttling.

    :param root: root of the system's files.
    :param limits: how the types of the cooling devices begin that lower this clock's limits.
    :param alerts: how those begin that only tell of throttling by hardware.
    :param counters: files that count how often the clock was slowed, each with the cause in words.
    """

    def __init__(
        self,
        root: Path,
        *,
        limits: tuple[str, ...],
        alerts: tuple[str, ...],
        counters: Iterable[tuple[str, Path]],
    ) -> None:
        self._limits = limits
        folders = sorted((root / "sys/class/thermal").glob("cooling_device*"))
        named = [(_text(folder / "type"), folder / "cur_state") for folder in folders]
        self._cooling = [(kind, path) for kind, path in named if kind.startswith(limits + alerts)]
        self._causes = {path: cause for cause, path in counters}
        self._counts = {path: _count(path) for path in self._causes}

    def words(self) -> str:
        """Return what slows the clock now or has done so since the last look, empty: nothing."""
        cooling = self._at_work(("",))
        rises = [f"{cause} ({name} rose by {rise:g})" for (cause, name), rise in self._rises()]
        return ", ".join(([f"heat ({cooling})"] if cooling else []) + rises)

    def refuse_hidden_limits(self, device: str) -> None:
        """Refuse to take the limits of the clock for those that were set while heat lowers them.

        The kernel shows the lower of the two (``get_freq_range`` of drivers/devfreq/devfreq.c,
        ``cpufreq_set_policy``), and what it shows would be given back for good.

        :raises Unavailable: when a cooling device lowers them now.
        """
        if cooling := self._at_work(self._limits):
            raise Unavailable(
                f"the limits of {device} must be known to be given back, and heat hides them now "
                f"({cooling}); try again when it is cooler"
            )

    def _at_work(self, kinds: tuple[str, ...]) -> str:
        states = [(k, _count(path)) for k, path in self._cooling if k.startswith(kinds)]
        return ", ".join(f"{kind} at step {state:g}" for kind, state in states if state > 0)

    def _rises(self) -> list[tuple[tuple[str, str], float]]:
        """Return cause, counter and rise since the last look."""
        rises: dict[tuple[str, str], float] = {}
        for path, before in self._counts.items():
            now = self._counts[path] = _count(path)
            if now > before >= 0:
                # Each core shows the counter of its package: the greatest rise is the rise.
                key = self._causes[path], path.name
                rises[key] = max(rises.get(key, 0.0), now - before)
        return sorted(rises.items())


def _text(path: Path) -> str:
    try:
        return read_text(path)
    except (NotPermitted, Unavailable):
        return ""


def _count(path: Path) -> float:
    """Return the number in the file, or -1 where there is none to read."""
    try:
        return read_number(path)
    except (InvalidInput, NotPermitted, Unavailable):
        return -1.0
