# SPDX-License-Identifier: Apache-2.0
"""The simulated board keeps the laws of its power and pace, in one process and in several."""

from __future__ import annotations

import dataclasses
import multiprocessing
import threading

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.core.boards import Board
from coinfer_ros.core.costs import Processor
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.sim.silicon import Silicon, State, advance

FLOP_PER_CYCLE = 10.0
BOARD = Board(
    name="test",
    processor=Processor(
        clock_max_hz=4e6, flop_per_cycle=FLOP_PER_CYCLE, pue=2.0, power_coefficient=1e-18
    ),
    clock_steps_hz=(1e6, 2e6, 4e6),
    default_clock_hz=4e6,
    idle_power_w=3.0,
    transition_s=0.5,
    sensor_period_s=0.001,
    energy_resolution_j=1e-6,
)


class Time:
    """A clock that moves only when someone sleeps or a test says so."""

    def __init__(self):
        self.now_s = 100.0

    def sleep(self, seconds):
        self.now_s += seconds


@pytest.fixture
def time():
    return Time()


@pytest.fixture
def silicon(tmp_path, time):
    board = Silicon(BOARD, tmp_path / "b", now=lambda: time.now_s, sleep=time.sleep)
    yield board
    board.close()


def test_a_stage_takes_its_cycles_over_the_clock_and_draws_the_cubic_law(silicon, time):
    before = silicon.read()
    assert silicon.run(8e6 * FLOP_PER_CYCLE, lambda: "done") == "done"
    after = silicon.read()
    assert time.now_s - 100.0 == pytest.approx(2.0)
    # idle + pue * psi * f^3 for two seconds; the counter has steps of 1e-6 J.
    assert after.energy_j - before.energy_j == pytest.approx((3 + 2 * 1e-18 * 4e6**3) * 2, abs=2e-6)
    assert after.busy_s - before.busy_s == pytest.approx(2.0)


def test_energy_above_idle_is_that_of_the_equation_whatever_the_clock(silicon, time):
    for clock_hz in BOARD.clock_steps_hz:
        silicon.request_hz(clock_hz)
        time.sleep(1.0)
        before = silicon.read()
        silicon.run(8e6 * FLOP_PER_CYCLE, lambda: None)
        after = silicon.read()
        idle_j = BOARD.idle_power_w * (after.at_s - before.at_s)
        expected_j = BOARD.processor.energy_j(8e6 * FLOP_PER_CYCLE, clock_hz)
        assert after.energy_j - before.energy_j - idle_j == pytest.approx(expected_j, abs=2e-6)


def test_idle_draws_idle_power(silicon, time):
    before = silicon.read()
    time.sleep(10.0)
    assert silicon.read().energy_j - before.energy_j == pytest.approx(30.0, abs=2e-6)
    assert silicon.read().power_w == BOARD.idle_power_w


def test_a_clock_is_snapped_and_reached_after_the_transition(silicon, time):
    assert silicon.request_hz(1.4e6) == 1e6
    assert silicon.achieved().hz == 4e6
    time.sleep(0.49)
    assert silicon.achieved().hz == 4e6
    time.sleep(0.02)
    assert silicon.achieved().hz == 1e6


def test_asking_again_for_the_same_clock_does_not_delay_it(silicon, time):
    for _ in range(10):
        silicon.request_hz(1e6)
        time.sleep(0.06)
    assert silicon.achieved().hz == 1e6


def test_a_clock_that_changes_during_a_stage_changes_its_pace(silicon, time):
    silicon.request_hz(1e6)
    silicon.run(4e6 * FLOP_PER_CYCLE, lambda: None)
    # Half a second at 4 MHz does 2 M cycles; the other 2 M take two seconds at 1 MHz.
    assert time.now_s - 100.0 == pytest.approx(2.5, abs=0.02)


def test_work_slower_than_the_silicon_keeps_its_own_time_but_the_silicons_energy(silicon, time):
    before = silicon.read()
    silicon.run(4e6 * FLOP_PER_CYCLE, lambda: time.sleep(5.0))
    after = silicon.read()
    assert time.now_s - 100.0 == pytest.approx(5.0)
    assert after.busy_s - before.busy_s == pytest.approx(1.0)


def test_two_handles_of_one_file_are_one_board(tmp_path, time, silicon):
    other = Silicon(BOARD, tmp_path / "b", now=lambda: time.now_s, sleep=time.sleep)
    other.request_hz(2e6)
    time.sleep(1.0)
    assert silicon.achieved().hz == 2e6
    other.close()


@settings(max_examples=50)
@given(st.lists(st.floats(0.0, 3.0), min_size=1, max_size=12), st.floats(0.0, 3e7))
def test_looking_often_or_seldom_gives_the_same_board(steps_s, cycles):
    start = State(0.0, 4e6, 1e6, 2.0, queued=cycles)
    often = start
    for step_s in steps_s:
        often = advance(often, BOARD, often.at_s + step_s)
    seldom = advance(start, BOARD, often.at_s)
    assert often.energy_j == pytest.approx(seldom.energy_j, rel=1e-9)
    assert often.drained == pytest.approx(seldom.drained, rel=1e-9)
    assert often.clock_hz == seldom.clock_hz
    assert advance(often, BOARD, often.at_s - 1.0) == often


def test_a_state_kept_over_a_reboot_starts_anew(tmp_path):
    Silicon(BOARD, tmp_path / "b", now=lambda: 1e9).close()
    reborn = Silicon(BOARD, tmp_path / "b", now=lambda: 5.0)
    assert reborn.read().at_s == 5.0
    reborn.close()


def test_a_state_that_another_board_left_starts_anew(tmp_path):
    other = dataclasses.replace(BOARD, clock_steps_hz=(3e6, 4e6))
    slow = dataclasses.replace(BOARD, default_clock_hz=1e6)
    Silicon(slow, tmp_path / "c", now=lambda: 1.0).close()
    board = Silicon(other, tmp_path / "c", now=lambda: 2.0)
    assert board.achieved().hz == 4e6
    board.close()


def test_an_interrupted_stage_returns_at_once(tmp_path):
    board = Silicon(BOARD, tmp_path / "b")
    threading.Timer(0.1, board.interrupt).start()
    board.run(1e15, lambda: None)  # a year of the modelled silicon
    board.close()


def test_a_file_that_is_no_board_is_refused(tmp_path):
    (tmp_path / "b").write_text("something else")
    with pytest.raises(Unavailable, match="another size; remove it"):
        Silicon(BOARD, tmp_path / "b")


def test_a_folder_that_cannot_be_made_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match=r"board\.state_dir must be a folder"):
        Silicon(BOARD, tmp_path / "file" / "b")


def submit(path, count):
    silicon = Silicon(BOARD, path, sleep=lambda _: None)
    for _ in range(count):
        silicon.run(1.0, lambda: None)


def test_no_work_is_lost_between_processes_and_threads(tmp_path):
    path = tmp_path / "b"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=submit, args=(path, 50)) for _ in range(2)]
    for process in processes:
        process.start()
    shared = Silicon(BOARD, path, sleep=lambda _: None)

    def submit_some():
        for _ in range(50):
            shared.run(1.0, lambda: None)

    threads = [threading.Thread(target=submit_some) for _ in range(2)]
    for thread in threads:
        thread.start()
    for worker in [*threads, *processes]:
        worker.join(30)
    with shared._advanced() as state:
        assert state.queued == pytest.approx(200 / FLOP_PER_CYCLE, rel=1e-9)
    shared.close()
