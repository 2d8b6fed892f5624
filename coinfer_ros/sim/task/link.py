# SPDX-License-Identifier: Apache-2.0
"""A link that delays, loses and breaks off, in simulated time and the same for the same seed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.heartbeat import BEATS_A_SECOND
from coinfer_ros.core.session import LEAST_PATIENCE_S

PACKET_BYTES = 1472  # of payload, of a UDP packet in an Ethernet frame of 1500 bytes
# What is lost is noticed after a while and by a heartbeat, of which there are five a second.
BEAT_S = 1.0 / BEATS_A_SECOND
RETRIES = 2  # as the robot's link.retries
SILENCE_S = 0.6  # as link.silence_s: an edge that was not heard for so long is gone


@dataclass(frozen=True)
class Impairment:
    """What the way between the machines is like.

    :param round_trip_s: of a message of no size, there and back, s.
    :param jitter_s: what a round trip takes beyond that on average; most take less, s.
    :param goodput_bps: payload bits a second.
    :param lost: share of packets that do not arrive.
    :param gone_from_s: when the link breaks off, s; inf: never.
    :param gone_for_s: how long it stays away, s.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    round_trip_s: float = 0.002
    jitter_s: float = 0.0005
    goodput_bps: float = 200e6
    lost: float = 0.0
    gone_from_s: float = math.inf
    gone_for_s: float = 0.0

    def __post_init__(self) -> None:
        for name in ("round_trip_s", "jitter_s"):
            checks.number(name, getattr(self, name), low=0.0, high=60.0, unit="s")
        checks.number("goodput_bps", self.goodput_bps, low=1e3, high=1e12, unit="bit/s")
        checks.number("lost", self.lost, low=0.0, high=1.0)
        if not self.gone_from_s >= 0.0:
            raise InvalidInput(f"gone_from_s must be at least 0 s, got {self.gone_from_s!r}")
        checks.number("gone_for_s", self.gone_for_s, low=0.0, high=3600.0, unit="s")


@dataclass(frozen=True)
class Way:
    """What became of one request on its way.

    :param seconds: there and back, s; inf: no result came.
    :param sendings: how often it was sent.
    """

    seconds: float
    sendings: int


class Link:
    """One link during one run.

    :param impairment: what it is like.
    :param rng: source of its jitter and losses.
    """

    def __init__(self, impairment: Impairment, rng: np.random.Generator) -> None:
        self.impairment, self._rng = impairment, rng

    def carry(self, payload_bytes: int, sent_s: float) -> Way:
        """Send an embedding and its result back, again where one was lost.

        :param payload_bytes: bytes of the embedding; the result takes one packet.
        :param sent_s: when, s.
        """
        seconds = 0.0
        for sending in range(1, RETRIES + 2):
            trip_s = self._trip_s(payload_bytes)
            arrives = self._arrives(payload_bytes)
            begun_s = sent_s + seconds
            if arrives and not self._breaks(begun_s, begun_s + trip_s):
                return Way(seconds + trip_s, sending)
            seconds += LEAST_PATIENCE_S + BEAT_S * float(self._rng.random())
        return Way(math.inf, RETRIES + 1)

    def is_gone(self, at_s: float) -> bool:
        """Tell whether the robot knows that the edge cannot be reached."""
        return self.silent_s <= at_s < self.back_s

    def falls_silent(self, from_s: float) -> bool:
        """Tell whether the robot is still to find out that the link breaks off."""
        return from_s <= self.silent_s < self.back_s

    @property
    def silent_s(self) -> float:
        """When the robot finds out that the link has broken off, s."""
        return self.impairment.gone_from_s + SILENCE_S

    @property
    def back_s(self) -> float:
        """When the robot hears the edge again, s."""
        broken = self.impairment
        return broken.gone_from_s + broken.gone_for_s + BEAT_S

    def _trip_s(self, payload_bytes: int) -> float:
        like = self.impairment
        jitter_s = like.jitter_s * float(self._rng.standard_exponential())
        return like.round_trip_s + jitter_s + 8.0 * payload_bytes / like.goodput_bps

    def _arrives(self, payload_bytes: int) -> bool:
        packets = math.ceil(payload_bytes / PACKET_BYTES) + 1
        return float(self._rng.random()) < (1.0 - self.impairment.lost) ** packets

    def _breaks(self, from_s: float, to_s: float) -> bool:
        broken = self.impairment
        return to_s > broken.gone_from_s and from_s < broken.gone_from_s + broken.gone_for_s
