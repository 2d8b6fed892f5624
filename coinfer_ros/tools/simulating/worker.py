# SPDX-License-Identifier: Apache-2.0
"""Runs one episode after another in one process, with the model and the place kept open."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Workload
from coinfer_ros.sim.arena.arena import Camera
from coinfer_ros.sim.arena.world import World
from coinfer_ros.sim.task.control import ClosedLoop, Control, Fixed, Habits, first_setting
from coinfer_ros.sim.task.episode import Episode
from coinfer_ros.sim.task.link import Link
from coinfer_ros.sim.task.machines import Machines, joint_of
from coinfer_ros.sim.task.reader import Reader
from coinfer_ros.sim.task.record import Record
from coinfer_ros.sim.task.search import Search, draw_search
from coinfer_ros.tools.simulating.cases import Case

CAMERA = Camera(width_px=128, height_px=128)
# Streams of random numbers; those below are the lessons' (tools/scene_data.py).
SEARCHES, NOISE, LINK = 7, 8, 9


@dataclass(frozen=True)
class Experiment:
    """What all episodes have in common.

    :param model: folder of the checkpoint.
    :param work: of one answer on both machines.
    :param habits: the controller's.
    :param seed: of all that is drawn.
    :param target: name of the thing to search for; empty: any of an arena's.
    :param limit_s: simulated time of an episode, s.
    """

    model: Path
    robot: Board
    edge: Board
    work: Workload
    habits: Habits
    seed: int
    target: str
    limit_s: float


def run_episode(experiment: Experiment, piece: tuple[Case, int]) -> Record:
    """Run one episode, a case and a number; the same for the same, whatever ran before.

    Place, target and the machines' noise hang on the number alone, so that cases can be compared
    episode by episode.

    :raises CoinferError: whatever the model or the simulator refuses.
    """
    return _worker(experiment).run(*piece)


class _Worker:
    """The model, opened once, and the last episode's place, which takes long to furnish."""

    def __init__(self, experiment: Experiment) -> None:
        from coinfer_ros.adapters import models  # noqa: PLC0415  torch takes seconds

        self._experiment = experiment
        # In float32, so that answers are those of the weights, on every machine the same.
        head = models.open_head(experiment.model, device="cpu", kernel="float32")
        self._reader = Reader(head, models.open_tail(experiment.model, device="cpu"))
        self._joint = joint_of(experiment.robot, experiment.edge, experiment.work)
        self._number, self._place = -1, None

    _place: tuple[Search, World] | None

    def run(self, case: Case, number: int) -> Record:
        search, world = self._furnished(number)
        noise, link = (self._rng(stream, number) for stream in (NOISE, LINK))
        return Episode(
            world,
            search.target,
            reader=self._reader,
            machines=Machines(self._joint, Link(case.impairment, link), noise),
            control=self._control(case),
            budget=case.budget,
            limit_s=self._experiment.limit_s,
        ).run()

    def _furnished(self, number: int) -> tuple[Search, World]:
        if self._place is None or self._number != number:
            if self._place is not None:
                self._place[1].close()
            search = draw_search(self._rng(SEARCHES, number), CAMERA, self._experiment.target)
            self._number, self._place = number, (search, World(search.arena))
        return self._place

    def _control(self, case: Case) -> Control:
        shape, habits = self._reader.shape, self._experiment.habits
        if case.closed:
            return ClosedLoop(self._joint, shape, case.question, habits)
        return Fixed(first_setting(self._joint, shape, case.question, habits))

    def _rng(self, stream: int, number: int) -> np.random.Generator:
        return np.random.default_rng([stream, self._experiment.seed, number])


@lru_cache(maxsize=1)
def _worker(experiment: Experiment) -> _Worker:
    return _Worker(experiment)
