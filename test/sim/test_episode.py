# SPDX-License-Identifier: Apache-2.0
"""A search goes well with right and timely answers, and fails in each way that it can."""

from __future__ import annotations

import math

import numpy as np
import pytest

from coinfer_ros import locate
from coinfer_ros.adapters import board_file
from coinfer_ros.core.costs import Budget, Workload
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.model import WEIGHT_BITS, Generated, HeadWeights, ModelInfo
from coinfer_ros.core.optimizer import Point
from coinfer_ros.core.planning import Question, Setting
from coinfer_ros.sim.arena.arena import Camera
from coinfer_ros.sim.arena.graphics import use_offscreen_graphics
from coinfer_ros.sim.arena.sight import DIRECTIONS, DISTANCES, Sight, sight
from coinfer_ros.sim.arena.world import World
from coinfer_ros.sim.task.control import ClosedLoop, Fixed, Habits
from coinfer_ros.sim.task.episode import DRIVE_S, Episode
from coinfer_ros.sim.task.link import Impairment, Link
from coinfer_ros.sim.task.machines import Machines, joint_of
from coinfer_ros.sim.task.question import answer
from coinfer_ros.sim.task.reader import Reader
from coinfer_ros.sim.task.record import Outcome, Record
from coinfer_ros.sim.task.search import draw_search

try:
    use_offscreen_graphics()  # before MuJoCo is imported, which chooses once how it draws
except Unavailable as missing:
    pytest.skip(str(missing), allow_module_level=True)
pytestmark = pytest.mark.slow

SAID = ["not seen", *(answer(Sight(d, far)) for d in DIRECTIONS for far in DISTANCES)]
SHAPE = (4, 32)
INFO = ModelInfo("oracle", "", SHAPE, 1, 1, 1.0, 1.0)
CAMERA = Camera(width_px=64, height_px=64)
ROBOT, EDGE = (board_file.read(locate.board(name)) for name in ("jetson_agx_orin", "rtx_3090"))
JOINT = joint_of(ROBOT, EDGE, Workload(212.27e9, 183.13e9))
FAST = Setting(0, "", 16, Point(16, ROBOT.clock_steps_hz[-1], EDGE.clock_steps_hz[-1], 0.2, 12.0))
SLOW = Setting(0, "", 16, Point(16, ROBOT.clock_steps_hz[0], EDGE.clock_steps_hz[0], 2.0, 0.2))


class OracleHead:
    """Knows the truth from the simulator, unless it is to say something else."""

    info, weight_rate, widths, backend, frames, bits = INFO, 20.0, WEIGHT_BITS, "oracle", 1, 16

    def __init__(self, world: World, target: str, *, errors=0.0, always: str = "") -> None:
        self._world, self._target, self._errors, self._always = world, target, errors, always
        self._rng = np.random.default_rng(0)

    def embed(self, image):
        assert image.shape == (CAMERA.height_px, CAMERA.width_px, 3)
        said = self._always or answer(sight(self._world, self._target))
        place = SAID.index(said)
        if self._rng.random() < self._errors:
            place = int(self._rng.integers(len(SAID)))
        embedding = np.full(SHAPE, -1.0, np.float32)
        embedding[:, place] = 1.0
        return embedding

    def prepare(self, bits):
        return HeadWeights(bits, "oracle", 0.0, {})

    def use(self, weights):
        self.bits = weights.bits
        return []


class OracleTail:
    info, backend, batches = INFO, "oracle", False

    def answer(self, embedding, prompt):
        assert prompt.startswith("Question: which way to the ")
        return Generated(SAID[int(embedding.sum(axis=0).argmax())], 3)


def episode(number: int, *, control=None, link=None, limit_s=60.0, budget=None, **oracle) -> Record:
    search = draw_search(np.random.default_rng([1, number]), CAMERA)
    with World(search.arena) as world:
        return run(world, search.target, number, control, link, limit_s, budget, **oracle)


def run(
    world, target, number=0, control=None, link=None, limit_s=60.0, budget=None, **oracle
) -> Record:
    noise, losses = (np.random.default_rng([stream, number]) for stream in (2, 3))
    return Episode(
        world,
        target,
        reader=Reader(OracleHead(world, target, **oracle), OracleTail()),
        machines=Machines(JOINT, Link(link or Impairment(), losses), noise),
        control=control or Fixed(FAST),
        budget=budget or Budget(),
        limit_s=limit_s,
    ).run()


class Pupil(Fixed):
    """Keeps what it is taught."""

    def __init__(self, setting: Setting) -> None:
        super().__init__(setting)
        self.taught = []

    def learn(self, measured, now_s):  # noqa: ARG002  the port's
        self.taught.append(measured)


def closed_loop() -> ClosedLoop:
    question = Question(Budget(0.2, 2.0), WEIGHT_BITS, (4, 6, 8, 16))
    habits = Habits(0.95, 0.02, hysteresis=0.03, dwell_s=1.0, renewal_s=0.2)
    return ClosedLoop(JOINT, SHAPE, question, habits)


def test_with_right_answers_in_time_most_is_found_and_with_late_ones_little() -> None:
    fast = [episode(number) for number in range(4)]
    slow = [episode(number, control=Fixed(SLOW), limit_s=20.0) for number in range(4)]
    found, found_late = (sum(record.found for record in records) for records in (fast, slow))
    assert found > 2 > found_late
    assert sum(record.stale for record in fast) == 0
    assert sum(record.stale for record in slow) > 0
    assert sum(record.wrong for record in fast) <= 0.05 * sum(record.judged for record in fast)


def test_an_episode_is_the_same_bit_by_bit_in_a_new_world_and_in_a_used_one() -> None:
    search = draw_search(np.random.default_rng([1, 3]), CAMERA)
    lossy, like = Impairment(lost=0.05), {"errors": 0.2, "limit_s": 10.0, "budget": Budget(0.2)}
    records = []
    for _ in range(2):
        with World(search.arena) as world:
            for _ in range(2):
                loop = closed_loop()
                records.append(run(world, search.target, 3, loop, lossy, **like))
    assert records[0].answers > 10
    assert all(repr(record) == repr(records[0]) for record in records)
    with World(search.arena) as world:
        other = run(world, search.target, 4, closed_loop(), lossy, **like)
    assert repr(other) != repr(records[0])


@pytest.mark.parametrize(
    ("always", "outcome", "limit_s"),
    [
        ("centre near", Outcome.MISREAD, 5.0),
        ("centre far", Outcome.COLLIDED, 15.0),
        ("not seen", Outcome.TIMED_OUT, 5.0),
    ],
)
def test_each_way_to_fail_can_be_provoked(always: str, outcome: Outcome, limit_s: float) -> None:
    record = episode(0, always=always, limit_s=limit_s)
    assert record.outcome is outcome
    assert not record.found
    if outcome is Outcome.TIMED_OUT:
        assert record.time_s == limit_s
        assert record.path_m < 0.1  # not once around: it turns on the spot
    else:
        assert record.time_s < limit_s
    if outcome is Outcome.COLLIDED:
        assert record.path_m > 0.5


def test_answers_are_counted_timed_and_paid_for() -> None:
    record = episode(0, always="not seen", limit_s=3.0, budget=Budget(0.18, 100.0))
    # 16 bits take 0.180 s in all at the greatest clocks: over the budget with any noise.
    assert record.answers == record.over_budget > 5
    assert record.bits == 16.0
    assert 0.18 < record.delay_s < 0.2
    # An image waits for the robot no longer than until the next one, then for whole steps of time.
    assert record.delay_s <= record.age_s <= record.delay_s + 1 / CAMERA.rate_hz + DRIVE_S
    robot_j, edge_j = JOINT.robot.at(16, FAST.point.robot_clock_hz)[1], 6.837
    each = robot_j + edge_j
    assert record.answers * each < record.energy_j < 1.1 * record.answers * each


def test_the_time_without_a_link_is_lost() -> None:
    whole = episode(0, always="not seen", limit_s=6.0)
    broken = episode(
        0, always="not seen", limit_s=6.0, link=Impairment(gone_from_s=1.0, gone_for_s=3.0)
    )
    assert broken.given_up >= 1
    assert broken.over_budget == broken.given_up
    # From the break until the edge is heard again, 3.2 s of 6, no answer comes.
    assert 0.3 * whole.answers < broken.answers < 0.55 * whole.answers


def test_what_is_searched_for_is_checked_by_name() -> None:
    rng = np.random.default_rng(0)
    assert draw_search(rng, CAMERA, "red cube").target == "red cube"
    assert draw_search(rng, CAMERA, "blue ball").arena.thing("blue ball").colour == "blue"
    with pytest.raises(InvalidInput, match="the object must be a colour of"):
        draw_search(rng, CAMERA, "red herring")
    search = draw_search(rng, CAMERA)
    with World(search.arena) as world, pytest.raises(InvalidInput, match="limit_s"):
        run(world, search.target, limit_s=math.nan)


def test_a_link_that_is_gone_teaches_nothing_and_one_that_is_slow_does() -> None:
    gone, slow = Pupil(SLOW), Pupil(FAST)
    record = episode(0, control=gone, link=Impairment(gone_from_s=1.0, gone_for_s=3.0), limit_s=8.0)
    assert record.given_up > 0
    assert len(gone.taught) == record.answers > 0
    assert not any(measured.overdue for measured in gone.taught)
    record = episode(0, control=slow, link=Impairment(round_trip_s=5.0), limit_s=8.0)
    assert record.given_up == len(slow.taught) > 0
    assert all(measured.overdue for measured in slow.taught)
