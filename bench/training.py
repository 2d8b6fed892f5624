# SPDX-License-Identifier: Apache-2.0
"""How the policy of the method ``ppo`` learns, until it learns no more."""

from __future__ import annotations

import time

import numpy as np

from bench.options import Options
from bench.section import Section
from coinfer_ros.core.optimizer import solve
from coinfer_ros.core.optimizer.canonical import Canonical
from coinfer_ros.evaluation import bandit, instances
from coinfer_ros.evaluation.methods import ppo

ROWS = 16


def measure(options: Options) -> Section:
    """Train, unless it was trained in this run already."""
    begun_s = time.monotonic()
    trained = policy(options)
    took_s = time.monotonic() - begun_s
    shown = np.unique(np.linspace(0, len(trained.curve) - 1, ROWS).astype(int))
    return Section(
        title="Training of the policy",
        columns=("settings tried", "mean reward", "budgets kept, %"),
        rows=tuple(
            (f"{at.steps}", f"{at.reward:.4f}", f"{100 * at.kept:.1f}")
            for at in (trained.curve[index] for index in shown)
        ),
        reading=(
            f"{'Converged' if trained.converged else 'Not converged'} after "
            f"{trained.curve[-1].steps} settings"
            f"{f', {took_s:.0f} s' if took_s > 1.0 else ''}. Reward on {ppo.VALIDATION} instances "
            "that it does not learn from: the share of 16 bits while both budgets are kept, else "
            f"minus how far they are broken; the exact plans earn {_most():.4f}. Budgets kept: of "
            "the instances that have a plan. Training ends when the reward has not risen by "
            f"{ppo.LEAST_GAIN} within {ppo.PATIENCE} looks, {ppo.LOOK_STEPS} settings apart."
        ),
    )


def policy(options: Options) -> ppo.Trained:
    """Return the policy of seed 0; a quick look trains it for a moment only."""
    return ppo.trained(0, steps_most=options.rounds(ppo.STEPS_MOST, 20_000))


def _most() -> float:
    """Return the mean reward of the exact plans on the same instances; where none, of the best."""
    drawn = ppo.held_out(0)
    earned = []
    for row in drawn:
        found = solve(instances.problem_of(Canonical(*map(float, row)), range(1, 17)))
        if found.plan is None:  # the least that one bit and any clocks break
            shares = np.linspace(bandit.SLOWEST, 1.0, 100)
            x, y = (grid.ravel() for grid in np.meshgrid(shares, shares))
            tried = np.tile(row, (x.size, 1)), np.ones(x.size), x, y
            earned.append(float(bandit.reward(*tried).max()))
        else:
            earned.append(found.plan.bits / bandit.BITS_MAX)
    return float(np.mean(earned))
