# SPDX-License-Identifier: Apache-2.0
"""Quality against energy: what each freedom, width, clocks, wire and cut, is worth.

Beyond arXiv 2602.13052, whose plan has the width and both clocks: the embedding crosses a link that
takes time and energy, at one of several widths, and the model may be cut at one of several places.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from coinfer_ros.core.costs import Link, System, Workload
from coinfer_ros.core.optimizer.clocks import least_energy
from coinfer_ros.core.optimizer.settings import fastest
from coinfer_ros.core.optimizer.solution import Point
from coinfer_ros.evaluation.comparison.scenarios import Scenario
from coinfer_ros.evaluation.comparison.scores import Scores
from coinfer_ros.evaluation.quality.coding import Coding

WIRES = (4, 6, 8, 16)
USUAL_WIRE = 16
# Assumptions, the paper has no link: Wi-Fi as field reports have it, a radio as of small boards.
GOODPUT_BPS, ROUND_TRIP_S, RADIO_W = 20e6, 0.005, 1.5
# What crosses in the paper's models at every one of these cuts, numbers: 6 frames of GIT-base.
CROSSING = {"git": 1182 * 768}
FREEDOMS = ("bits", "bits, clocks", "bits, clocks, wire", "bits, clocks, wire, cut")


@dataclass(frozen=True)
class CutWork:
    """A place to cut the small model.

    :param name: it; empty: the model's own.
    :param share: of the work of the robot's half at the model's own cut.
    """

    name: str
    share: float


@dataclass(frozen=True)
class Setting:
    """One setting in time, at its cheapest clocks or at the greatest.

    :param freedom: the fewest of ``FREEDOMS`` that it takes.
    :param coding: how the model is stored and what crosses.
    :param point: its clocks and costs.
    """

    freedom: str
    coding: Coding
    point: Point


def settings(
    scenario: Scenario, cuts: Sequence[CutWork], codings: Sequence[Coding]
) -> list[Setting]:
    """Return all settings within the scenario's delay budget.

    :param codings: how the model may be stored, each of one of the cuts.
    """
    return list(_settings(scenario, cuts, codings))


def _settings(
    scenario: Scenario, cuts: Sequence[CutWork], codings: Sequence[Coding]
) -> Iterator[Setting]:
    work = {cut.name: cut.share for cut in cuts}
    for coding in codings:
        system = system_at(scenario, work[coding.cut], coding.wire_bits)
        bits = int(coding.bits)
        freedom = FREEDOMS[1]
        if coding.wire_bits != USUAL_WIRE:
            freedom = FREEDOMS[2]
        if coding.cut:
            freedom = FREEDOMS[3]
        found = least_energy(system, bits, scenario.budget.delay_s)
        if found is not None:
            yield Setting(freedom, coding, found)
        top = fastest(system, bits)
        if freedom == FREEDOMS[1] and top.delay_s <= scenario.budget.delay_s:
            yield Setting(FREEDOMS[0], coding, top)


def system_at(scenario: Scenario, share: float, wire_bits: int) -> System:
    """Return the machines with the work of a cut and a link that the embedding crosses.

    :param share: of the robot's work at the model's own cut; the edge does the rest.
    """
    whole = scenario.system.workload
    robot_flop = share * whole.robot_flop
    edge_flop = whole.edge_flop + whole.robot_flop - robot_flop
    link = Link(
        payload_bytes=CROSSING[scenario.name] * wire_bits / 8.0,
        goodput_bps=GOODPUT_BPS,
        round_trip_s=ROUND_TRIP_S,
        radio_w=RADIO_W,
    )
    return replace(
        scenario.system, workload=Workload(robot_flop, edge_flop, whole.weight_bits), link=link
    )


def front(found: Sequence[Setting], scores: Scores, freedom: str) -> list[Setting]:
    """Return the settings that no other of as much freedom beats, rising in energy and quality."""
    allowed = FREEDOMS[: FREEDOMS.index(freedom) + 1]
    if freedom != FREEDOMS[0]:
        allowed = allowed[1:]  # the cheapest clocks of a width are never worse than the greatest
    ours = [one for one in found if one.freedom in allowed]
    best, unbeaten = float("-inf"), []
    for one in sorted(ours, key=lambda one: (one.point.energy_j, -_mean(one, scores))):
        if _mean(one, scores) > best:
            best = _mean(one, scores)
            unbeaten.append(one)
    return unbeaten


def _mean(one: Setting, scores: Scores) -> float:
    return float(scores.each[one.coding.name].mean())
