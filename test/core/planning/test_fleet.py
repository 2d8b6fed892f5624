# SPDX-License-Identifier: Apache-2.0
"""Robots that plan each for itself under one edge's clock: nobody is harmed, nothing ratchets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from coinfer_ros.core.holds import Grant, Holds

from .conftest import Loop, World, question

LEASE_S = 0.8


class Fleet:
    """Robots with budgets of their own; the edge runs at the fastest clock that one asks for."""

    def __init__(self, budgets, seed: int = 0) -> None:
        self.holds, self.now_s = Holds(), 0.0
        self.loops = [
            Loop(World(np.random.default_rng(seed + k)), question(*budget))
            for k, budget in enumerate(budgets)
        ]

    def turn(self, active=None) -> list[bool | None]:
        """Let each robot plan and answer once; return who kept its budgets, None: not feasible."""
        self.now_s += 0.2
        self.holds.expire(self.now_s)
        chosen = {}
        for k in active if active is not None else range(len(self.loops)):
            loop = self.loops[k]
            others = self.holds.top(without=str(k))
            loop.planner.share_edge(0, others.clock_hz if others else 0.0)
            chosen[k] = loop.plan()
            ask_hz = chosen[k].edge_ask_hz
            self.holds.renew(Grant(str(k), 1, ask_hz, self.now_s + LEASE_S))
        runs_hz = self.holds.top().clock_hz
        kept = []
        for k, decision in chosen.items():
            loop, setting = self.loops[k], decision.setting
            at = dataclasses.replace(setting.point, edge_clock_hz=runs_hz)
            measured = loop.world.answer(dataclasses.replace(setting, point=at))
            within = loop.asked.budget.kept(measured.total_s, measured.total_j)
            kept.append(within if decision.feasible else None)
            loop.planner.learn(measured)
        return kept


def share_kept(fleet: Fleet, turns: int) -> float:
    kept = [one for _ in range(turns) for one in fleet.turn() if one is not None]
    return float(np.mean(kept))


def test_a_robot_in_a_hurry_speeds_the_edge_up_and_when_it_leaves_the_others_let_go():
    fleet = Fleet([(3.0, 4.0), (1.0, 9.0)])
    for _ in range(10):
        fleet.turn([0])
    calm_hz = fleet.holds.top().clock_hz
    for _ in range(10):
        fleet.turn()
    hasty_hz = fleet.holds.top().clock_hz
    assert fleet.holds.top(without="1").clock_hz <= 1.5 * calm_hz  # its own wish has not grown
    for _ in range(20):
        fleet.turn([0])
    assert fleet.holds.top().clock_hz <= 1.5 * calm_hz < hasty_hz


def test_eight_robots_keep_their_budgets_under_one_clock():
    budgets = [(1.2 + 0.25 * k, 6.0 + 0.4 * k) for k in range(8)]
    fleet = Fleet(budgets)
    share_kept(fleet, 15)
    changes = sum(loop.changes for loop in fleet.loops)
    assert share_kept(fleet, 60) >= 0.95
    # Calm: fewer than one change a robot in twelve seconds.
    assert sum(loop.changes for loop in fleet.loops) - changes <= len(budgets)


@pytest.mark.slow
def test_a_hundred_robots_settle_and_keep_what_is_feasible():
    rng = np.random.default_rng(7)
    budgets = list(zip(rng.uniform(1.0, 4.0, 100), rng.uniform(2.0, 8.0, 100), strict=True))
    fleet = Fleet([(float(d), float(e)) for d, e in budgets])
    share_kept(fleet, 10)
    clocks = set()
    kept = []
    for _ in range(10):
        kept += [one for one in fleet.turn() if one is not None]
        clocks.add(fleet.holds.top().clock_hz)
    assert np.mean(kept) >= 0.95
    assert len(clocks) <= 2  # the shared clock does not wander
