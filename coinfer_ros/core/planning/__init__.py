# SPDX-License-Identifier: Apache-2.0
"""Makes plans: over every edge, cut, width of weights and wire, and clock, by what was learnt."""

from coinfer_ros.core.planning.decide import Decision, decide, shrunk
from coinfer_ros.core.planning.planner import Planner
from coinfer_ros.core.planning.route import Route, Setting
from coinfer_ros.core.planning.state import Cut, Question, State
from coinfer_ros.core.planning.steady import Steady

__all__ = [
    "Cut",
    "Decision",
    "Planner",
    "Question",
    "Route",
    "Setting",
    "State",
    "Steady",
    "decide",
    "shrunk",
]
