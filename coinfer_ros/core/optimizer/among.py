# SPDX-License-Identifier: Apache-2.0
"""Solves over several ways to do the work (edges, cuts, widths of the wire) as one problem."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import answers
from coinfer_ros.core.optimizer.answers import Needs
from coinfer_ros.core.optimizer.problem import Objective, Problem
from coinfer_ros.core.optimizer.solution import Point, Solution
from coinfer_ros.core.optimizer.stepped import best, needs
from coinfer_ros.core.optimizer.tables import Tables


def solve_among(problems: Sequence[Problem]) -> tuple[int | None, Solution]:
    """Return the exact answer over the settings of all problems, and the place of the one it is of.

    All have one budget, objective and ``loss_max``; each has tables and losses of its own. What
    binds and what would help are said of all of them together: a budget binds when no way has a
    better setting within it. Ties go as the objective says, then to the wider width, then to the
    problem named first.

    :param problems: at least one, over tables.
    :returns: None in place of the place when no way keeps the budgets.
    :raises InvalidInput: when there is none.
    """
    if not problems:
        raise InvalidInput("problems must hold at least one, got none")
    good = [place for place, problem in enumerate(problems) if problem.good_widths]
    if not good:
        worst = min(range(len(problems)), key=lambda place: min(problems[place].quality.losses))
        return None, answers.not_good_enough(problems[worst])
    found = _best(problems, good)
    if found is None:
        least = _least(needs(problems[place], _tables(problems[place])) for place in good)
        return None, answers.infeasible(problems[good[0]], least)
    place, plan = found
    problem = problems[place]
    if problem.objective is not Objective.LOSS:
        return place, answers.least_cost_by_trial(
            problem, plan, lambda freer: _freed(problems, freer)
        )
    loss = problem.loss(plan.bits)
    wanted = [one for one in problems if any(better < loss for _, better in one.good_widths)]
    least = _least(needs(one, _tables(one), better_than=loss) for one in wanted)
    return place, answers.least_loss(problem, plan, least if wanted else None)


def _best(problems: Sequence[Problem], places: Iterable[int]) -> tuple[int, Point] | None:
    found = [(place, best(problems[place], _tables(problems[place]))) for place in places]
    there = [(place, plan) for place, plan in found if plan is not None]
    return min(
        there,
        key=lambda pair: (problems[pair[0]].key(pair[1]), -pair[1].bits),
        default=None,
    )


def _freed(problems: Sequence[Problem], freer: Problem) -> Point | None:
    """Return the best setting of any way under the freer problem's budgets."""
    freed = [
        dataclasses.replace(problem, budget=freer.budget, loss_max=freer.loss_max)
        for problem in problems
    ]
    found = _best(freed, range(len(freed)))
    return None if found is None else found[1]


def _least(each: Iterable[Needs]) -> Needs:
    every = list(each)
    return Needs(
        _smallest([need.delay for need in every]), _smallest([need.energy for need in every])
    )


def _smallest(needed: Sequence[tuple[float, int] | None]) -> tuple[float, int] | None:
    return min((need for need in needed if need is not None), default=None)


def _tables(problem: Problem) -> Tables:
    if not isinstance(problem.costs, Tables):
        raise InvalidInput(f"problems must be over tables, got {type(problem.costs).__name__}")
    return problem.costs
