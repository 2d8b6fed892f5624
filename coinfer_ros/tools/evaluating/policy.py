# SPDX-License-Identifier: Apache-2.0
"""Trains the policy once and keeps what it chose; the policy itself, a pickle, is not kept."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.core.costs import Budget
from coinfer_ros.core.optimizer import paper_problem
from coinfer_ros.evaluation.bandit import Practice
from coinfer_ros.evaluation.comparison.choices import PPO, Choice, choice_of
from coinfer_ros.evaluation.comparison.scenarios import WIDTHS, Sweep, range_of
from coinfer_ros.evaluation.methods import ppo

FILE = "policy.json"


@dataclass(frozen=True)
class Learned:
    """What a trained policy chose.

    :param choices: one a budget of every sweep, in their order.
    :param steps: settings that it tried.
    :param kept: share of other instances, those that have a plan, on which it keeps both budgets.
    :param converged: its reward had stopped rising.
    """

    choices: tuple[Choice, ...]
    steps: int
    kept: float
    converged: bool


def learned(
    path: Path,
    sweeps: Sequence[Sweep],
    *,
    seed: int,
    steps_most: int,
    progress: Callable[[int], None],
) -> Learned:
    """Return what the file keeps, or train and keep it.

    :param sweeps: whose budgets it is asked for.
    :param progress: called with the settings tried so far.
    :raises Unavailable: when stable-baselines3 is not here.
    """
    if not path.exists():
        points = len(sweeps[0].budgets)
        trained = ppo.train(
            seed,
            lambda now: progress(now.steps),
            practice=Practice(range_of(points), logarithmic=True),
            steps_most=steps_most,
        )
        chosen = [_choice(trained, sweep, budget) for sweep in sweeps for budget in sweep.budgets]
        last = trained.curve[-1]
        kept = Learned(tuple(chosen), last.steps, last.kept, trained.converged)
        path.write_text(json.dumps(dataclasses.asdict(kept)), encoding="utf-8")
    return _read(path)


def _choice(trained: ppo.Trained, sweep: Sweep, budget: Budget) -> Choice:
    problem = paper_problem(sweep.scenario.system, budget, WIDTHS)
    return choice_of(PPO, budget, ppo.solve_with(trained, problem))


def _read(path: Path) -> Learned:
    kept = json.loads(path.read_text(encoding="utf-8"))
    choices = tuple(
        Choice(**{**one, "budget": Budget(**one["budget"]), "bits": tuple(one["bits"])})
        for one in kept.pop("choices")
    )
    return Learned(choices, **kept)
