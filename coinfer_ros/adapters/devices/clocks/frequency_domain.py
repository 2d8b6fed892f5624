# SPDX-License-Identifier: Apache-2.0
"""Moves the two files between which the kernel chooses one frequency: its least and greatest."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.adapters.devices.clocks.nvpmodel import ClockLimits
from coinfer_ros.adapters.devices.permission import REMEDY
from coinfer_ros.adapters.devices.sysfs import read_number, read_text, write_text
from coinfer_ros.core.errors import InvalidInput, NotPermitted, Unavailable
from coinfer_ros.core.faults import Faults

# The kernel keeps the limits in kHz, the least rounded down and the greatest up
# (drivers/devfreq/devfreq.c, min_freq_store and max_freq_store).
ROUNDING_HZ = 1000.0
_FREQUENCY = re.compile(r"[1-9][0-9]{0,11}")


@dataclass(frozen=True)
class FrequencyDomain:
    """One clock as devfreq and cpufreq show it.

    :param least: file of the lowest frequency that the kernel may choose.
    :param greatest: file of the highest.
    :param unit_hz: Hz in one unit of the files.
    :param table_hz: what the hardware can do, rising, Hz.
    """

    least: Path
    greatest: Path
    unit_hz: float
    table_hz: tuple[float, ...]

    def steps_hz(self, limits: ClockLimits) -> tuple[float, ...]:
        """Return the steps within the power mode's limits and under the greatest set now, Hz.

        :raises Unavailable: when the limit cannot be read.
        """
        highest_hz = min(limits.max_hz, _number(self.greatest) * self.unit_hz)
        within = tuple(step for step in self.table_hz if step <= highest_hz)
        lowest_hz = min(limits.min_hz, *within[-1:]) if within else 0.0
        return tuple(step for step in within if step >= lowest_hz)

    def former(self) -> tuple[str, str]:
        """Return the texts of least and greatest for ``restore``.

        :raises Unavailable: when they cannot be read, or are no numbers.
        """
        return f"{_number(self.least)}", f"{_number(self.greatest)}"

    def texts(self, limits: ClockLimits) -> tuple[str, str]:
        """Return the texts of least and greatest that a power mode gives this clock."""
        greatest_hz = min(limits.max_hz, self.table_hz[-1])
        least_hz = min(max(limits.min_hz, self.table_hz[0]), greatest_hz)
        return self._text(least_hz), self._text(greatest_hz)

    def pin(self, step_hz: float, limits: ClockLimits) -> None:
        """Leave the kernel one frequency, and look whether it took it.

        What was written is undone when not all of it could be.

        :param limits: what the power mode allows now, which may be less than when the steps were
            learnt.
        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the device is gone or refuses, or the limits are lower.
        """
        if step_hz > limits.max_hz:
            raise Unavailable(
                f"{self.greatest} must stay within {limits.max_hz:g} Hz, which the power mode now "
                f"allows, got {step_hz:g} Hz; open the clock anew"
            )
        before = dict(zip((self.least, self.greatest), self.former(), strict=True))
        written: list[Path] = []
        try:
            for path, text in self._in_order(self._text(step_hz), self._text(step_hz)):
                write_text(path, text, remedy=REMEDY)
                written.append(path)
            self._verify(step_hz)
        except (NotPermitted, Unavailable):
            for path in reversed(written):
                with contextlib.suppress(NotPermitted, Unavailable):
                    write_text(path, before[path], remedy=REMEDY)
            raise

    def restore(self, least: str, greatest: str) -> None:
        """Write both texts back; both are tried before an error is raised.

        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the device is gone or refuses.
        """
        errors = []
        for path, text in self._in_order(least, greatest):
            try:
                write_text(path, text, remedy=REMEDY)
            except (NotPermitted, Unavailable) as error:
                # Who may not write has changed nothing: there is nothing to give back then. A
                # file that reads right is written all the same, as heat can hide what it holds.
                if not _holds(path, text):
                    errors.append(error)
        if errors:
            raise errors[0]

    def _in_order(self, least: str, greatest: str) -> list[tuple[Path, str]]:
        """Return what to write where: at no moment may the least be above the greatest.

        Kernel 4.9, that of JetPack 4, refuses such a write; later ones clamp.
        """
        writes = [(self.least, least), (self.greatest, greatest)]
        try:
            upwards = int(least) > _number(self.greatest)
        except (NotPermitted, Unavailable):
            upwards = False
        return writes[::-1] if upwards else writes

    def _verify(self, step_hz: float) -> None:
        least_hz, greatest_hz = (
            _number(path) * self.unit_hz for path in (self.least, self.greatest)
        )
        if greatest_hz > step_hz + ROUNDING_HZ:
            raise Unavailable(f"{self.greatest} must take {step_hz:g} Hz, holds {greatest_hz:g} Hz")
        # A lower greatest is heat's doing: the kernel shows the lower of our limit and its own.
        if greatest_hz >= step_hz and least_hz < step_hz - ROUNDING_HZ:
            raise Unavailable(f"{self.least} must take {step_hz:g} Hz, holds {least_hz:g} Hz")

    def _text(self, clock_hz: float) -> str:
        return str(round(clock_hz / self.unit_hz))


def frequencies(path: Path, unit_hz: float, faults: Faults) -> tuple[float, ...]:
    """Return the frequencies listed in a file, rising, Hz; some drivers list them falling.

    :param faults: counts the words that are no frequencies.
    :raises Unavailable: when it cannot be read.
    """
    found = set()
    for word in read_text(path).split():
        if _FREQUENCY.fullmatch(word):
            found.add(int(word) * unit_hz)
        else:
            faults.add("table entry is no frequency", f"{path}: {word[:40]!r}")
    return tuple(sorted(found))


def limit_text(former: Mapping[str, str], key: str) -> str:
    """Return an entry of a former state that is to be written to a limit file.

    :raises InvalidInput: when it is missing or no whole number.
    """
    text = former.get(key, "")
    if not re.fullmatch(r"[0-9]{1,12}", text):
        raise InvalidInput(f"{key} of a former state must be a whole number, got {text[:40]!r}")
    return text


def _number(path: Path) -> int:
    try:
        return int(read_number(path))
    except InvalidInput as error:
        raise Unavailable(str(error)) from error


def _holds(path: Path, text: str) -> bool:
    try:
        return read_text(path) == text
    except (NotPermitted, Unavailable):
        return False
