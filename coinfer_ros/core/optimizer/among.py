# SPDX-License-Identifier: Apache-2.0
"""Solves over several ways to do the work (edges, cuts, widths of the wire) as one problem."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.optimizer import answers
from coinfer_ros.core.optimizer.answers import Needs
from coinfer_ros.core.optimizer.fallback import roomiest
from coinfer_ros.core.optimizer.problem import Objective, Problem
from coinfer_ros.core.optimizer.solution import Point, Solution
from coinfer_ros.core.optimizer.stepped import best, needs
from coinfer_ros.core.optimizer.tables import Tables


def solve_among(
    problems: Sequence[Problem], roomier: Sequence[Problem] | None = None
) -> tuple[int | None, Solution]:
    """Return the exact answer over the settings of all problems, and the place of the one it is of.

    All have one budget, objective and ``loss_max``; each has tables and losses of its own. What
    binds and what would help are said of all of them together: a budget binds when no way has a
    better setting within it. Ties go as the objective says, then to the wider width, then to the
    problem named first.

    Where the objective is the loss, the least energy among the best is what ties would go to; that
    is just within the deadline. With ``roomier`` they go to the least energy that leaves more room:
    that keeps the budgets there, too; where none does, to what has most to spare in both.

    :param problems: at least one, over tables.
    :param roomier: the same with costs that have more room in them; None: ties as above.
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
    if roomier is not None:
        place, plan = _with_room(problems, roomier, loss)
        problem = problems[place]
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


def _with_room(
    problems: Sequence[Problem], roomier: Sequence[Problem], loss: float
) -> tuple[int, Point]:
    """Return which of the settings of a loss, one of which keeps the budgets, to take."""
    good = [dataclasses.replace(problem, loss_max=loss) for problem in roomier]
    found = _best(good, range(len(good)))
    if found is not None:
        return found[0], _priced(_tables(problems[found[0]]), found[1])
    rows = [
        [row for row, each in enumerate(problem.quality.losses) if each == loss]
        for problem in problems
    ]
    most = roomiest([_tables(each) for each in problems], problems[0].budget, rows=rows)
    if most is None:
        raise InvalidInput(f"problems must have a setting of loss {loss:g}, got none")
    return most


def _priced(tables: Tables, point: Point) -> Point:
    """Return what a setting costs by these tables."""
    row = tables.widths.index(point.bits)
    robot = tables.robot_clocks_hz.index(point.robot_clock_hz)
    edge = tables.edge_clocks_hz.index(point.edge_clock_hz)
    return dataclasses.replace(
        point,
        delay_s=float(tables.delay_s[row, robot, edge]),
        energy_j=float(tables.energy_j[row, robot, edge]),
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
