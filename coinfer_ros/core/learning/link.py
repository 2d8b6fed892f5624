# SPDX-License-Identifier: Apache-2.0
"""What the way between the machines takes: round trip and goodput, by heartbeats and transfers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.learning.filter import Filter, Prior

_MB = 1e6
_ROUND_TRIP, _BYTE = 0, 2  # places of the coefficients
# No link in use moves a megabyte faster, and none slower is worth planning with.
FASTEST_S, SLOWEST_S = 1e-5, 100.0


@dataclass(frozen=True)
class LinkCosts:
    """A straight line from bytes to seconds: round trip + handling + bytes / goodput.

    :param round_trip_s: of a message of no size, there and back, s.
    :param handling_s: what a tensor takes beyond that whatever its size, s.
    :param byte_s: time of a byte, s.
    """

    round_trip_s: float
    handling_s: float
    byte_s: float

    @property
    def goodput_bps(self) -> float:
        """Payload bits a second."""
        return 8.0 / self.byte_s

    def delay_s(self, payload_bytes: float) -> float:
        """Return the time of an embedding's way there and its answer's way back, s."""
        return self.round_trip_s + self.handling_s + self.byte_s * payload_bytes


class Link:
    """Learns ``LinkCosts``: heartbeats tell the round trip, transfers the rest."""

    def __init__(self) -> None:
        self._filter = Filter(
            [
                Prior(0.002, 0.02, 2e-4, 0.0, 60.0),  # round trip
                Prior(0.002, 0.003, 1e-4, 0.0, 0.05),  # handling
                Prior(0.02, 0.3, 2e-3, FASTEST_S, SLOWEST_S),  # s a MB; 0.02 is 400 Mbit/s
            ],
            noise=0.003,
            least_noise=0.0005,
        )

    def beat(self, round_trip_s: float) -> None:
        """Take a heartbeat's way there and back into account, s; NaN is left out."""
        if math.isfinite(round_trip_s):
            h = np.array([1.0, 0.0, 0.0])
            self._filter.observe(h, round_trip_s, kind="beat", opens=[_ROUND_TRIP])

    def transfer(self, payload_bytes: float, seconds: float) -> bool:
        """Take an embedding's way into account; NaN is left out.

        :param payload_bytes: bytes of the embedding.
        :param seconds: from sending to the result, less the edge's own time, s.
        :returns: true when it confirmed a step.
        """
        if not math.isfinite(seconds) or payload_bytes <= 0:
            return False
        h = np.array([1.0, 1.0, payload_bytes / _MB])
        # What the beats do not show is the goodput's.
        return self._filter.observe(h, seconds, kind="transfer", opens=[_BYTE])

    @property
    def holding(self) -> bool:
        """True while an observation is held back."""
        return self._filter.holding

    @property
    def costs(self) -> LinkCosts:
        """What has been learnt."""
        round_trip_s, handling_s, mb_s = self._filter.x.tolist()
        return LinkCosts(round_trip_s, handling_s, mb_s / _MB)
