# SPDX-License-Identifier: Apache-2.0
"""Owns a clock while it is set, and gives back what was there, even after being killed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.adapters.devices.clocks.former_state import SUFFIX, FormerState
from coinfer_ros.adapters.devices.clocks.ownership import Ownership
from coinfer_ros.core import checks
from coinfer_ros.core.closing import Closing
from coinfer_ros.core.errors import (
    CoinferError,
    InvalidInput,
    NotPermitted,
    Unavailable,
    Unsupported,
)
from coinfer_ros.core.ports import ClockDriver, ClockReading


class OwnedClock(Closing):
    """A ``Clock`` over a driver.

    The former state is on disk before the first change and until all is given back, so that
    whoever opens the clock next can give it back where this process could not.

    :param driver: reads and sets the clock.
    :param folder: where the lock and the former state lie; one for all processes of a machine.
    :param root: root of the system's files.
    :ivar restored: what was done about a former owner that did not give its clock back, for
        people; empty: nothing was left.
    :raises Unavailable: when somebody owns the clock, or it could not be given back now.
    :raises NotPermitted: with the one command that permits it.
    """

    def __init__(self, driver: ClockDriver, folder: Path, *, root: Path = Path("/")) -> None:
        self._driver = driver
        self._former: Mapping[str, str] | None = None
        self._ownership = Ownership(folder, driver.device)
        self._state = FormerState(folder, driver.device, root)
        try:
            self.restored = self._recover()
        except BaseException:
            self._ownership.release()
            raise
        self.steps_hz, self.default_hz = driver.steps_hz, driver.default_hz

    def achieved(self) -> ClockReading:
        """Return the clock as it is.

        :raises Unavailable: when the device is gone.
        """
        return self._driver.read()

    def request_hz(self, clock_hz: float) -> float:
        """Ask for the nearest step and return that step, Hz.

        :raises InvalidInput: when ``clock_hz`` is no positive number.
        :raises NotPermitted: with the one command that permits it.
        :raises Unsupported: when the clock cannot be set.
        :raises Unavailable: when the device is gone or refuses, or this clock is closed.
        """
        clock_hz = checks.number("clock_hz", clock_hz, above=0.0, unit="Hz")
        if not self.steps_hz:
            raise Unsupported(f"the clock of {self._driver.device} must have steps to be set")
        if not self._ownership.held:
            raise Unavailable(
                f"the clock of {self._driver.device} must be open in this process to be set"
            )
        step_hz = min(self.steps_hz, key=lambda step_hz: abs(step_hz - clock_hz))
        first = self._former is None
        if self._former is None:
            former = self._driver.former()
            self._state.save(former)
            self._former = former
        try:
            self._driver.set_hz(step_hz)
        except (NotPermitted, Unsupported):
            if first:
                self._forget_if_untouched()
            raise
        return step_hz

    def release(self) -> None:
        """Give back what was there before the first request; the clock stays owned.

        What could not be given back stays on disk for the next call, here or at the next opening.

        :raises NotPermitted: with the one command that permits it.
        :raises Unavailable: when the device is gone or refuses.
        """
        # A child of the owner has a copy of this object, and no say.
        if self._former is None or not self._ownership.held:
            return
        self._driver.restore(self._former)
        self._state.remove()
        self._former = None
        # A power mode that has changed since then allows other steps.
        self.steps_hz, self.default_hz = self._driver.steps_hz, self._driver.default_hz

    def close(self) -> None:
        """Release, and let others own the clock; twice is once.

        :raises NotPermitted: as ``release``; the clock is let go all the same.
        :raises Unavailable: as ``release``; the clock is let go all the same.
        """
        try:
            self.release()
        finally:
            self._ownership.release()

    def _forget_if_untouched(self) -> None:
        """Keep no former state of what this user may not change, nor later give back."""
        with contextlib.suppress(CoinferError):
            if self._former == self._driver.former():
                self._state.remove()
                self._former = None

    def _recover(self) -> str:
        """Give back what a killed owner left, and say so."""
        former = self._state.load()
        if former is None:
            words = self._state.note
        else:
            try:
                self._driver.restore(former.values)
            except InvalidInput as error:
                self._state.set_aside(str(error))
                words = self._state.note
            else:
                values = ", ".join(f"{key} {text}" for key, text in former.values.items() if text)
                words = (
                    f"process {former.pid} ended without giving back the clock of "
                    f"{self._driver.device}; it is given back now: {values}"
                )
        self._state.remove()
        return words


@dataclass(frozen=True)
class Leftover:
    """What became of a former state that was found on disk.

    :param device: the driver's name for the device.
    :param settled: false when it is still there.
    :param words: what was done, or why it could not be.
    """

    device: str
    settled: bool
    words: str


def restore_all(
    folder: Path, drivers: Iterable[ClockDriver], *, root: Path = Path("/")
) -> list[Leftover]:
    """Give back every clock whose owner was killed.

    :param folder: where the former states lie.
    :param drivers: the clocks of this machine.
    :param root: root of the system's files.
    :return: one entry a file that was found, in the order of their names.
    """
    known = {driver.device: driver for driver in drivers}
    found = []
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        device = path.name.removesuffix(SUFFIX)
        if device not in known:
            found.append(Leftover(device, settled=False, words="no such device here"))
            continue
        try:
            with OwnedClock(known[device], folder, root=root) as clock:
                found.append(Leftover(device, settled=True, words=clock.restored))
        except CoinferError as error:
            found.append(Leftover(device, settled=False, words=str(error)))
    return found
