# SPDX-License-Identifier: Apache-2.0
"""Problem (P1) as a learner meets it: an instance is shown, an action taken, a reward given.

What is shown are the four numbers of ``core.optimizer.canonical``. The reward is the share of the
widest width while both budgets are kept, which orders settings as (P1) does and, unlike D^U - D^L,
still tells 8 bits from 9; else minus how far the budgets are broken, each counted up to 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.evaluation import instances
from coinfer_ros.evaluation.extras import needed
from coinfer_ros.evaluation.instances import GENERAL, Numbers, Range

BITS_MAX = 16
SLOWEST = 0.01  # least clock over the greatest that an action can mean


@dataclass(frozen=True)
class Practice:
    """What a policy practises on.

    :param within: where its instances are drawn from.
    :param logarithmic: clocks are told by their logarithm. Where energy is scarce a few hundredths
        of the greatest clock decide, and on the sweeps of Figs 5 to 8 a policy then comes closer to
        the optimum; over ``GENERAL`` it comes less close (mean reward .388, not .407).
    """

    within: Range = GENERAL
    logarithmic: bool = False


def meaning(
    actions: NDArray[np.float32], *, logarithmic: bool = False
) -> tuple[Numbers, Numbers, Numbers]:
    """Return widths and both clocks over their greatest for actions (N, 3) in [-1, 1]."""
    share = (np.clip(actions.astype(np.float64), -1.0, 1.0) + 1.0) / 2.0
    bits = np.rint(1.0 + (BITS_MAX - 1.0) * share[:, 0])
    clocks = SLOWEST ** (1.0 - share) if logarithmic else np.maximum(share, SLOWEST)
    return bits, clocks[:, 1], clocks[:, 2]


def reward(drawn: Numbers, bits: Numbers, x: Numbers, y: Numbers) -> Numbers:
    """Return the reward of settings (N,) on instances (N, 4)."""
    delay, energy = instances.shares(drawn, bits, x, y)
    over = np.clip(delay - 1.0, 0.0, 1.0) + np.clip(energy - 1.0, 0.0, 1.0)
    return np.where((delay <= 1.0) & (energy <= 1.0), bits / BITS_MAX, -over)


def environment(seed: int, copies: int, practice: Practice) -> Any:
    """Return the library's kind of environment: many instances at once, one action each.

    :param seed: draws the instances.
    :param copies: instances at once.
    :param practice: what they are, and what an action means.
    :raises Unavailable: when a library is not here.
    """
    gymnasium = needed("gymnasium")
    base: Any = needed("stable_baselines3.common.vec_env").VecEnv

    class Instances(base):  # type: ignore[misc]
        """Draws new instances after every action."""

        def __init__(self) -> None:
            box = gymnasium.spaces.Box
            super().__init__(copies, box(-3.0, 3.0, (4,)), box(-1.0, 1.0, (3,)))
            self._rng = np.random.default_rng([seed, 0])
            self._drawn = practice.within.draw(self._rng, copies)
            self._actions = np.zeros((copies, 3), np.float32)

        def reset(self) -> NDArray[np.float32]:
            self._drawn = practice.within.draw(self._rng, copies)
            return practice.within.features(self._drawn)

        def step_async(self, actions: NDArray[np.float32]) -> None:
            self._actions = actions

        def step_wait(self) -> tuple[Any, Any, Any, Any]:
            earned = reward(
                self._drawn, *meaning(self._actions, logarithmic=practice.logarithmic)
            ).astype(np.float32)
            last = practice.within.features(self._drawn)
            infos = [{"terminal_observation": observed} for observed in last]
            return self.reset(), earned, np.ones(copies, bool), infos

        def close(self) -> None: ...

        def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:  # noqa: ARG002
            return [getattr(self, attr_name, None)] * copies

        def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None: ...

        def env_method(self, *_: Any, **__: Any) -> list[Any]:
            return [None] * copies

        def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:  # noqa: ARG002
            return [False] * copies

    return Instances()
