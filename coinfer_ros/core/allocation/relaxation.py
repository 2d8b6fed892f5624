# SPDX-License-Identifier: Apache-2.0
"""Bounds what the layers still to be decided can reach, by linear programming over their hulls.

A layer that may mix its settings reaches the lower convex hull of (cost, distortion). Several such
layers together reach the sum of hulls: their edges, steepest first. Each corner of that sum is a
whole choice for every layer, hence an upper bound; the line between two corners is a lower bound.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from coinfer_ros.core.allocation.options import Options
from coinfer_ros.core.arrays import Reals

EPSILON = 2.0**-53  # the greatest relative error of one rounding


@dataclass(frozen=True, eq=False)
class Relaxation:
    """What some layers together reach when they may mix their settings.

    :param cost: (K,) corners, rising.
    :param distortion: (K,) falling.
    """

    cost: Reals
    distortion: Reals

    def lower(self, spare: Reals, slack: float) -> Reals:
        """Return less distortion than any choice within ``spare`` has, but for relative roundings.

        Both terms of the mean of two corners are positive: nothing cancels.

        :param spare: (N,) what the layers may cost.
        :param slack: what roundings may have taken from it.
        :returns: (N,), inf where even the cheapest choice costs more.
        """
        allowed = spare + slack
        right = np.searchsorted(self.cost, allowed, side="right")  # first corner that costs more
        last = len(self.cost) - 1
        left, right = np.maximum(right - 1, 0), np.minimum(right, last)
        step = self.cost[right] - self.cost[left]
        with np.errstate(invalid="ignore", divide="ignore"):
            share = np.where(step > 0.0, (self.cost[right] - allowed) / step, 0.0)
        share = np.clip(share, 0.0, 1.0)
        mean = self.distortion[left] * share + self.distortion[right] * (1.0 - share)
        return np.where(allowed < self.cost[0], np.inf, mean)

    def upper(self, spare: Reals, slack: float) -> Reals:
        """Return the distortion of some whole choice within ``spare``, but for relative roundings.

        :param spare: (N,) what the layers may cost.
        :param slack: what roundings may have added to it.
        :returns: (N,), inf where even the cheapest choice costs more.
        """
        place = np.searchsorted(self.cost, spare - slack, side="right") - 1
        return np.where(place < 0, np.inf, self.distortion[np.maximum(place, 0)])


def relaxations(layers: Sequence[Options]) -> Iterator[Relaxation]:
    """Yield what the layers from each one on reach together, in memory for one of them.

    :param layers: L layers, each with one setting or more.
    :returns: L + 1 of them; the last, of no layer, reaches 0 at no cost.
    """
    hulls = [_hull(np.column_stack((layer.cost, layer.distortion))) for layer in layers]
    edges = np.abs(np.concatenate([np.diff(hull, axis=0) for hull in hulls] or [np.zeros((0, 2))]))
    owner = np.repeat(np.arange(len(hulls)), [len(hull) - 1 for hull in hulls])
    # Stable, so that a tie gives the same sums on every machine.
    order = np.argsort(-edges[:, 1] / edges[:, 0], kind="stable")
    edges, owner = edges[order], owner[order]
    least_costs = _sums_from_the_end([hull[0, 0] for hull in hulls])
    least_distortions = _sums_from_the_end([hull[-1, 1] for hull in hulls])
    for layer, (cost, distortion) in enumerate(zip(least_costs, least_distortions, strict=True)):
        edges, owner = edges[owner >= layer], owner[owner >= layer]
        yield _sum(cost, distortion, edges)


def _sums_from_the_end(values: Sequence[float]) -> list[float]:
    """Return what each of L values and all after it add up to, and 0 for none, L + 1 in all."""
    found: list[float] = np.cumsum([0.0, *reversed(values)])[::-1].tolist()
    return found


def _sum(least_cost: float, least_distortion: float, edges: Reals) -> Relaxation:
    """Lay edges (E, 2) one after the other; each sum starts at its small end: nothing cancels."""
    cost = np.cumsum(np.append(least_cost, edges[:, 0]))
    distortion = np.cumsum(np.append(least_distortion, edges[::-1, 1]))[::-1]
    return Relaxation(cost, distortion)


def _hull(points: Reals) -> Reals:
    """Return the corners of the lower convex hull of points (K, 2) that rise and fall strictly."""
    corners: list[Reals] = []
    for point in points:
        while len(corners) > 1 and _slope(corners[-2], corners[-1]) >= _slope(corners[-1], point):
            corners.pop()
        corners.append(point)
    return np.array(corners)


def _slope(start: Reals, end: Reals) -> float:
    return float((end[1] - start[1]) / (end[0] - start[0]))
