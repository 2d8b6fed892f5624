# SPDX-License-Identifier: Apache-2.0
"""What was measured of one half of one model on one machine."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from coinfer_ros.core import checks, limits
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.profile.fields import filled
from coinfer_ros.core.profile.records import (
    SERVED,
    Device,
    Distortion,
    Energy,
    Latency,
    Magnitudes,
    Quality,
    WireSize,
)
from coinfer_ros.core.widths import check_widths

ROLES = ("robot", "edge")


@dataclass(frozen=True, eq=False)
class Profile:
    """A half of a model on a machine, B widths by F clocks.

    The edge's half is never quantized: it has one width, the original one, and no distortion.

    :param model: the checkpoint folder's name.
    :param fingerprint: hex digest of the whole model, as in ``ModelInfo``.
    :param cut: where the model is cut.
    :param role: ``robot`` for the head, ``edge`` for the tail.
    :param device: what ran it.
    :param made_at: when, ISO 8601 with the time zone.
    :param flop: FLOP of one run at full width that a simulated board was given; elsewhere counted.
    :param widths: (B,) bit-widths, rising.
    :param clocks_hz: (F,) clocks, rising, Hz; one NaN: the machine's own pace, no clock to set.
    :param kernels: (B,) what executes the weights of each width.
    :param latency: seconds of one run; on the edge, of one whole answer.
    :param energy: joules of one run above idle.
    :param tokens: mean tokens of an answer; NaN on the robot.
    :param wire: bytes of the embedding at each wire width.
    :param weights: the law of all quantizable weights; on the edge, of all weights.
    :param layers: the law of each tensor.
    :param distortions: what quantizers do; empty on the edge.
    :param steepness: the empirical constant H, embedding's L1 error over the weights', eq. (17).
    :param quality: how good answers are.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    model: str
    fingerprint: str
    cut: str
    role: str
    device: Device
    made_at: str
    flop: float
    widths: tuple[int, ...]
    clocks_hz: tuple[float, ...]
    kernels: tuple[str, ...]
    latency: Latency
    energy: Energy
    tokens: float
    wire: tuple[WireSize, ...]
    weights: Magnitudes
    layers: tuple[Magnitudes, ...]
    distortions: tuple[Distortion, ...]
    steepness: float
    quality: Quality

    def __post_init__(self) -> None:
        filled("model", self.model)
        filled("fingerprint", self.fingerprint)
        checks.one_of("role", self.role, ROLES)
        limits.FLOP.adopt(self, "flop")
        object.__setattr__(self, "widths", check_widths(self.widths))
        _check_clocks(self.clocks_hz)
        for name in ("tokens", "steepness"):
            if not math.isnan(getattr(self, name)):
                checks.number(name, getattr(self, name), low=0.0)
        if self.role == "edge" and (len(self.widths) > 1 or self.distortions):
            raise InvalidInput(
                "widths and distortions of role edge must be one and none, got "
                f"{len(self.widths)} and {len(self.distortions)}"
            )
        self._check_shapes()

    def _check_shapes(self) -> None:
        count, table = len(self.widths), (len(self.widths), len(self.clocks_hz))
        if len(self.kernels) != count:
            raise InvalidInput(f"kernels must be one a width, {count}, got {len(self.kernels)}")
        wanted = {
            "latency.p50_s": (self.latency.p50_s, table),
            "energy.mean_j": (self.energy.mean_j, table),
            "quality.exact_match": (self.quality.exact_match, (count,)),
            "quality.cider": (self.quality.cider, (count,)),
        }
        for place, one in enumerate(self.distortions):
            for name in ("parameter", "output", "output_share"):
                wanted[f"distortions[{place}].{name}"] = (getattr(one, name), (count,))
        for name, (found, shape) in wanted.items():
            if found.shape != shape:
                raise InvalidInput(f"{name} must have shape {shape}, got {found.shape}")

    @property
    def own_pace(self) -> bool:
        """True where the machine has no clock that could be set."""
        return math.isnan(self.clocks_hz[0])

    @property
    def metered(self) -> bool:
        """True where the energy of every setting is known."""
        return bool(np.isfinite(self.energy.mean_j).all())

    @property
    def losses(self) -> tuple[float, ...] | None:
        """(B,) measured relative embedding errors as served, None unless all were measured."""
        for one in self.distortions:
            if one.quantizer == SERVED and np.isfinite(one.output_share).all():
                return tuple(one.output_share.tolist())
        return None


def _check_clocks(clocks_hz: tuple[float, ...]) -> None:
    if len(clocks_hz) == 1 and math.isnan(clocks_hz[0]):
        return
    for clock_hz in clocks_hz:
        limits.CLOCK_HZ.check("clocks_hz", clock_hz)
    if not clocks_hz or list(clocks_hz) != sorted(set(clocks_hz)):
        raise InvalidInput(f"clocks_hz must rise from one to the next, got {list(clocks_hz)!r}")
