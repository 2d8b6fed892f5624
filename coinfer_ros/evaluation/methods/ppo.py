# SPDX-License-Identifier: Apache-2.0
"""A policy that learns to choose width and clocks, the paper's strongest baseline (Sec. VI).

The paper names proximal policy optimisation and gives no more of it. Here one policy serves every
instance of (P1), and acts once on each (``evaluation.bandit``). The library is stable-baselines3,
with its own settings but for batch sizes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from coinfer_ros.core.optimizer import Problem, Solution
from coinfer_ros.core.optimizer.canonical import Canonical, canonical
from coinfer_ros.core.optimizer.relaxed import greatest_width
from coinfer_ros.core.optimizer.settings import point
from coinfer_ros.evaluation import instances
from coinfer_ros.evaluation.bandit import Practice, environment, meaning, reward
from coinfer_ros.evaluation.extras import needed
from coinfer_ros.evaluation.instances import GENERAL, Numbers, Range
from coinfer_ros.evaluation.methods.judged import judged, nothing, paper_system
from coinfer_ros.evaluation.one_thread import one_thread

COPIES, STEPS = 256, 16  # settings tried at once, and times before the policy learns from them
VALIDATION = 2048
PATIENCE, LEAST_GAIN = 12, 0.002  # looks within which the reward must rise, and how far
LOOK_STEPS = 16 * COPIES * STEPS  # settings tried between two looks at the reward
STEPS_MOST = 4_000_000
GENERAL_PRACTICE = Practice()


@dataclass(frozen=True)
class Progress:
    """The policy after some training, on instances that it does not learn from.

    :param steps: settings tried so far.
    :param reward: mean reward of its best guess.
    :param kept: share of instances that have a plan on which it keeps both budgets.
    """

    steps: int
    reward: float
    kept: float


@dataclass(frozen=True)
class Trained:
    """A trained policy.

    :param policy: the library's model.
    :param practice: what it learnt on; it knows nothing else.
    :param curve: its progress while it trained.
    :param converged: the reward stopped rising before the training's end.
    """

    policy: Any
    practice: Practice
    curve: tuple[Progress, ...]
    converged: bool

    def act(self, drawn: Numbers) -> tuple[Numbers, Numbers, Numbers]:
        """Return widths and both clocks over their greatest, (N,) each, for instances (N, 4)."""
        observed = self.practice.within.features(drawn)
        actions, _ = self.policy.predict(observed, deterministic=True)
        return meaning(actions, logarithmic=self.practice.logarithmic)


def solve(problem: Problem) -> Solution:
    """Return what the policy of seed 0 chooses; it is trained when first asked, for minutes.

    :raises Unsupported: when the problem is not the paper's.
    :raises Unavailable: when stable-baselines3 is not here.
    """
    paper_system(problem, "ppo")  # before minutes are spent on it
    return solve_with(trained(0), problem)


def solve_with(policy: Trained, problem: Problem) -> Solution:
    """Return what a policy chooses, the nearest width allowed; it knows of 1 to 16 bits.

    :raises Unsupported: when the problem is not the paper's.
    """
    system = paper_system(problem, "ppo")
    instance = canonical(system, problem.budget)
    if instance is None:
        return nothing("the link alone uses up a budget", proved=True)
    bits, x, y = policy.act(instances.row(instance))
    allowed = min(problem.quality.widths, key=lambda width: (abs(width - bits[0]), width))
    clocks = float(x[0]) * system.robot.clock_max_hz, float(y[0]) * system.edge.clock_max_hz
    return judged(problem, point(system, allowed, *clocks), "a trained policy's choice")


@functools.lru_cache(maxsize=1)
def trained(seed: int, *, steps_most: int = STEPS_MOST) -> Trained:
    """Return the policy of a seed, trained once.

    :param steps_most: settings tried at the most.
    :raises Unavailable: when stable-baselines3 is not here.
    """
    return train(seed, lambda _: None, steps_most=steps_most)


def held_out(seed: int, within: Range = GENERAL) -> Numbers:
    """Return the instances (N, 4) that a policy of this seed is looked at with."""
    return within.draw(np.random.default_rng([seed, 1]), VALIDATION)


def train(
    seed: int,
    report: Callable[[Progress], None],
    *,
    practice: Practice = GENERAL_PRACTICE,
    steps_most: int = STEPS_MOST,
    look_steps: int = LOOK_STEPS,
) -> Trained:
    """Train until the reward on held-out instances stops rising.

    :param report: called with each point of the curve.
    :param practice: what it learns on.
    :param steps_most: settings tried at the most.
    :param look_steps: settings tried between two points of the curve.
    :raises Unavailable: when stable-baselines3 is not here.
    """
    with one_thread():
        return _train(seed, report, practice, steps_most, look_steps)


def _train(
    seed: int,
    report: Callable[[Progress], None],
    practice: Practice,
    steps_most: int,
    look_steps: int,
) -> Trained:
    library = needed("stable_baselines3")
    policy = library.PPO(
        "MlpPolicy",
        environment(seed, COPIES, practice),
        n_steps=STEPS,
        batch_size=COPIES * STEPS // 4,
        seed=seed,
        device="cpu",
    )
    validation = held_out(seed, practice.within)
    curve: list[Progress] = []
    while not _stalled(curve) and policy.num_timesteps < steps_most:
        tried = min(look_steps, steps_most - policy.num_timesteps)
        policy.learn(tried, reset_num_timesteps=False)
        now = Trained(policy, practice, (), False)
        curve.append(_progress(now, validation, policy.num_timesteps))
        report(curve[-1])
    return Trained(policy, practice, tuple(curve), _stalled(curve))


def _stalled(curve: list[Progress]) -> bool:
    """Say whether the reward has not risen for a while."""
    if len(curve) <= PATIENCE:
        return False
    best = max(point.reward for point in curve[:-PATIENCE])
    return max(point.reward for point in curve[-PATIENCE:]) < best + LEAST_GAIN


def _progress(now: Trained, drawn: Numbers, steps: int) -> Progress:
    settings = now.act(drawn)
    delay, energy = instances.shares(drawn, *settings)
    # What one bit at the best clocks breaks has no plan: the policy cannot keep it either.
    solvable = np.array([_solvable(Canonical(*map(float, row))) for row in drawn])
    kept = (delay <= 1.0) & (energy <= 1.0)
    return Progress(
        steps=int(steps),
        reward=float(reward(drawn, *settings).mean()),
        kept=float(kept[solvable].mean()),
    )


def _solvable(instance: Canonical) -> bool:
    return greatest_width(instance) >= 1.0
