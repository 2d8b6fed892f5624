# SPDX-License-Identifier: Apache-2.0
"""Runs take the time and the joules of the board that they are simulated on."""

from __future__ import annotations

import dataclasses
import math

import pytest

from coinfer_ros.adapters.unmetered import Unmetered
from coinfer_ros.backends import Machine
from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Processor
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.sim.silicon import Silicon
from coinfer_ros.tools.calibration.bench import Bench

STEPS_HZ = (1e9, 2e9)
# 1 J more than idling for a second at 2 GHz; a counter so fine that its steps do not show.
BOARD = Board("b", Processor(2e9, 10, 1.0, 1.25e-28), STEPS_HZ, 2e9, 3.0, 0.01, 0.001, 1e-9)


class Time:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now_s = 100.0

    def now(self):
        return self.now_s

    def sleep(self, seconds):
        self.now_s += seconds


def bench(port, time):
    machine = Machine(port, port, port, True, "", lambda: None, lambda: None)
    return Bench(machine, now=time.now, sleep=time.sleep)


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def simulated(tmp_path, time):
    return bench(Silicon(BOARD, tmp_path / "board", now=time.now, sleep=time.sleep), time)


@pytest.mark.parametrize("clock_hz", STEPS_HZ)
def test_a_run_takes_what_the_board_takes(simulated, clock_hz):
    simulated.reach(clock_hz)
    numbers, ticks = [], []
    taken = simulated.runs(
        lambda n: numbers.append(n) or n, flop=2e9, count=4, first=7, tick=lambda: ticks.append(1)
    )
    assert taken["seconds"] == pytest.approx([2e8 / clock_hz] * 4)
    energy_j = BOARD.processor.energy_j(2e9, clock_hz)
    assert taken["joules"] == pytest.approx(4 * energy_j, rel=1e-6)
    assert 0.0 < taken["error_j"] < 0.02 * taken["joules"]
    assert numbers == taken["results"] == [7, 8, 9, 10]
    assert len(ticks) == 4


def test_runs_that_are_too_short_for_the_meter_are_repeated_until_it_sees_them(simulated):
    taken = simulated.runs(lambda n: n, flop=1e6, count=2, first=0, tick=lambda: None)
    # 50 us a run: 60 of them are three periods of the sensor.
    assert 60 <= len(taken["seconds"]) <= 62
    assert taken["joules"] is not None


def test_without_a_meter_nothing_is_repeated_and_joules_are_not_known(time):
    unmetered = bench(Unmetered(), time)
    unmetered.reach(math.nan)
    with unmetered.default_clock_after():
        taken = unmetered.runs(time.sleep, flop=1e9, count=3, first=1, tick=lambda: None)
    assert taken["seconds"] == pytest.approx([1.0, 2.0, 3.0])
    assert (taken["joules"], taken["error_j"]) == (None, None)


def test_the_default_clock_comes_back_whatever_happens(simulated, time):
    def fail():
        with simulated.default_clock_after():
            simulated.reach(1e9)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    time.sleep(BOARD.transition_s)
    assert simulated.machine.clock.achieved().hz == BOARD.default_clock_hz


def test_a_clock_that_does_not_come_is_not_waited_for_without_end(tmp_path, time):
    slow = dataclasses.replace(BOARD, transition_s=9.0)
    board = bench(Silicon(slow, tmp_path / "slow", now=time.now, sleep=time.sleep), time)
    with pytest.raises(Unavailable, match=r"must reach 1e\+09 Hz within 5 s, got 2e\+09 Hz"):
        board.reach(1e9)


def test_what_idling_draws_is_known_or_waited_for(simulated, time):
    simulated.learn_idle()
    bench(Unmetered(), time).learn_idle()  # nothing will ever tell
    never = Unmetered()
    never.info = dataclasses.replace(never.info, source="nvml")
    with pytest.raises(Unavailable, match="what idling draws within 5 s, got nothing from nvml"):
        bench(never, time).learn_idle()
