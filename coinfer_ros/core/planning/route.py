# SPDX-License-Identifier: Apache-2.0
"""One way to answer: by which edge, with the model cut where, and what each half takes there."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from coinfer_ros.core import rate_distortion
from coinfer_ros.core.optimizer import Point
from coinfer_ros.core.profile import Joint


@cache
def _law_loss(bits: int) -> float:
    return float(rate_distortion.at_bits(bits, 1.0).exact)


@dataclass(frozen=True, eq=False)
class Route:
    """A choice of edge and cut.

    :param edge: the edge's place among those of the settings.
    :param cut: where the model is cut; empty: its only cut.
    :param costs: what both halves take, modelled or measured.
    :param losses: from bit-widths to the embedding's measured error over its magnitude; empty: not
        measured, the law's.
    """

    edge: int
    cut: str
    costs: Joint
    losses: tuple[tuple[int, float], ...] = ()

    def weight_loss(self, bits: int) -> float:
        """Return the error that the weights of a width make, relative.

        By the law it is the distortion of the best code over the weights' mean magnitude, which
        does not hang on λ. It falls with the width as the paper's objective (30) does.
        """
        if self.losses:
            return dict(self.losses).get(bits, math.inf)
        return _law_loss(bits)


@dataclass(frozen=True)
class Setting:
    """All that a plan sets.

    :param edge: the edge's place.
    :param cut: where the model is cut.
    :param wire_bits: bits a value on the wire.
    :param point: width of the weights, clocks, and the predicted delay and energy.
    """

    edge: int
    cut: str
    wire_bits: int
    point: Point

    def sets_the_same(self, other: Setting) -> bool:
        """Tell whether both set the same, whatever they expect of it."""
        return self._what == other._what

    @property
    def _what(self) -> tuple[object, ...]:
        at = self.point
        # As text: a clock that is not known is NaN, which is equal to nothing.
        clocks = repr(at.robot_clock_hz), repr(at.edge_clock_hz)
        return self.edge, self.cut, self.wire_bits, at.bits, *clocks


def joint_loss(weight_loss: float, wire_loss: float) -> float:
    """Return the relative error of what the edge receives: two independent errors, in squares.

    >>> joint_loss(0.003, 0.004)
    0.005
    """
    return math.hypot(weight_loss, wire_loss)


def routes_unmetered(routes: Sequence[Route]) -> tuple[str, ...]:
    """Return the halves, ``robot`` or ``edge``, whose energy is not known on some route."""
    found = {role for route in routes for role in route.costs.unmetered}
    return tuple(role for role in ("robot", "edge") if role in found)
