# SPDX-License-Identifier: Apache-2.0
"""A clock that this process reads and does not set."""

from __future__ import annotations

from coinfer_ros.core.errors import NotPermitted
from coinfer_ros.core.ports import ClockDriver, ClockReading


class WatchedClock:
    """A ``Clock`` of ``core.ports`` that refuses every request.

    :param driver: the clock.
    :param reason: why it is not set from here.
    """

    def __init__(self, driver: ClockDriver, reason: str) -> None:
        self._driver, self._reason = driver, reason
        self.steps_hz, self.default_hz = driver.steps_hz, driver.default_hz

    def achieved(self) -> ClockReading:
        """Return the clock as it is."""
        return self._driver.read()

    def request_hz(self, clock_hz: float) -> float:  # noqa: ARG002
        """Refuse.

        :raises NotPermitted: always, with the reason.
        """
        raise NotPermitted(self._reason)

    def release(self) -> None:
        """Nothing was set."""
