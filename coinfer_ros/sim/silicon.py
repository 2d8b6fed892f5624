# SPDX-License-Identifier: Apache-2.0
"""A simulated board: a clock, a power meter and an accelerator over one shared state.

The state lives in a small file, as a real board's lives in its registers, so that the device node
which sets the clock and the robot or edge node whose work heats the silicon may be two processes.
Work is a queue of cycles that drains at the clock; while it drains the board draws
idle + pue * psi * f^3 W (arXiv 2602.13052, eq. (6) and (7) as a power). A process that dies leaves
nothing behind but cycles that drain.
"""

from __future__ import annotations

import fcntl
import math
import mmap
import os
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from operator import attrgetter
from pathlib import Path
from typing import TypeVar

from coinfer_ros.core.boards import Board
from coinfer_ros.core.energy import Spent, between
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.core.faults import Faults
from coinfer_ros.core.ports import ClockReading, PowerReading, SensorInfo

T = TypeVar("T")
LONGEST_SLEEP_S = 0.02
# Less than this is left by rounding alone.
LEAST_CYCLES = 1e-3
_LAYOUT = struct.Struct("<8d")


@dataclass(frozen=True)
class State:
    """All that the board remembers; a pure value, so that its law can be tested without files.

    :param at_s: monotonic time that the rest is true for, s.
    :param clock_hz: clock now, Hz.
    :param next_clock_hz: clock asked for, Hz.
    :param switch_at_s: when the clock asked for is reached, s.
    :param queued: cycles ever submitted.
    :param drained: cycles ever done.
    :param energy_j: energy ever drawn, J.
    :param busy_s: time ever spent draining, s.
    """

    at_s: float
    clock_hz: float
    next_clock_hz: float
    switch_at_s: float
    queued: float = 0.0
    drained: float = 0.0
    energy_j: float = 0.0
    busy_s: float = 0.0


# dataclasses.astuple copies deeply: most of what a look at a board would cost.
_FIGURES = attrgetter(*(field.name for field in fields(State)))


def advance(state: State, board: Board, now_s: float) -> State:
    """Return the state at ``now_s``; time that runs backwards changes nothing."""
    if now_s <= state.at_s:
        return state
    if state.clock_hz != state.next_clock_hz and state.switch_at_s <= now_s:
        reached = _drain(state, board, max(state.switch_at_s, state.at_s))
        state = replace(reached, clock_hz=state.next_clock_hz)
    return _drain(state, board, now_s)


def _drain(state: State, board: Board, until_s: float) -> State:
    elapsed_s = until_s - state.at_s
    left = state.queued - state.drained
    busy_s = min(elapsed_s, left / state.clock_hz)
    drained = state.drained + busy_s * state.clock_hz
    if state.queued - drained < LEAST_CYCLES:
        drained = state.queued
    return replace(
        state,
        at_s=until_s,
        drained=drained,
        busy_s=state.busy_s + busy_s,
        energy_j=state.energy_j
        + board.idle_power_w * elapsed_s
        + _busy_w(board, state.clock_hz) * busy_s,
    )


def _busy_w(board: Board, clock_hz: float) -> float:
    """Return what computing adds to the idle power, W."""
    processor = board.processor
    return processor.pue * (processor.power_coefficient * clock_hz**3 + processor.static_w)


class Silicon:
    """One simulated board, shared by every process that opens the same file.

    It is a ``PowerMeter``, a ``Clock`` and an ``Accelerator`` of ``core.ports``.

    :param board: the board to simulate.
    :param path: its state file; made when absent.
    :param now: monotonic time in seconds, one for all processes of the host.
    :param sleep: waits the given seconds.
    :raises Unavailable: when the file cannot be made or is no state file.
    """

    def __init__(
        self,
        board: Board,
        path: Path,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._interrupted = threading.Event()
        self._board, self._now = board, now
        self._sleep = sleep or self._interrupted.wait
        self._threads = threading.Lock()  # flock alone does not keep threads of one process apart
        self.idle_power_w = board.idle_power_w
        self.info = SensorInfo(
            source="simulated",
            covers=f"board {board.name}, simulated",
            period_s=board.sensor_period_s,
            resolution_j=board.energy_resolution_j,
        )
        self.faults, self.drift = Faults(), math.nan
        self.steps_hz = board.clock_steps_hz
        self.default_hz = board.default_clock_hz
        try:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            with self._locked():
                self._make_or_check(path)
                self._memory = mmap.mmap(self._file, _LAYOUT.size)
        except OSError as error:
            raise Unavailable(
                f"board.state_dir must be a folder this user can write, got {str(path.parent)!r}: "
                f"{error}"
            ) from error

    def _make_or_check(self, path: Path) -> None:
        stored, now_s = os.pread(self._file, _LAYOUT.size + 1, 0), self._now()
        if stored and len(stored) != _LAYOUT.size:
            raise Unavailable(
                f"board.state_dir must hold boards of {_LAYOUT.size} bytes, got {path.name!r} of "
                "another size; remove it"
            )
        # A state from the future was kept over a reboot, which starts monotonic time anew; one
        # with a clock that this board cannot have was left by another board.
        if not stored or not self._fits(State(*_LAYOUT.unpack(stored)), now_s):
            start = State(now_s, self.default_hz, self.default_hz, now_s)
            os.pwrite(self._file, _LAYOUT.pack(*_FIGURES(start)), 0)

    def _fits(self, state: State, now_s: float) -> bool:
        clocks = {state.clock_hz, state.next_clock_hz}
        return state.at_s <= now_s and clocks <= set(self.steps_hz)

    def interrupt(self) -> None:
        """Let a stage that waits for the modelled silicon return at once, and all later ones."""
        self._interrupted.set()

    def close(self) -> None:
        """Let go of the file; the board lives on in it."""
        self._memory.close()
        os.close(self._file)

    def read(self) -> PowerReading:
        """Read power and counters; the energy counter moves in steps of its resolution."""
        with self._advanced() as state:
            busy = state.drained < state.queued
        power_w = self.idle_power_w + busy * _busy_w(self._board, state.clock_hz)
        resolution_j = self.info.resolution_j
        steps = int(state.energy_j / resolution_j)
        return PowerReading(state.at_s, power_w, steps * resolution_j, state.busy_s)

    def spent(self, before: PowerReading, after: PowerReading) -> Spent:
        """Return the energy between two readings."""
        return between(self.info, before, after, idle_power_w=self.idle_power_w)

    def achieved(self) -> ClockReading:
        """Return the clock as it is; nothing throttles it."""
        with self._advanced() as state:
            return ClockReading(state.clock_hz)

    def request_hz(self, clock_hz: float) -> float:
        """Ask for the step nearest to ``clock_hz``; reached after the board's transition time."""
        step_hz = self._board.nearest_step_hz(clock_hz)
        with self._advanced() as state:
            if step_hz != state.next_clock_hz:
                self._store(
                    replace(
                        state,
                        next_clock_hz=step_hz,
                        switch_at_s=state.at_s + self._board.transition_s,
                    )
                )
        return step_hz

    def release(self) -> None:
        """Ask for the default clock."""
        self.request_hz(self.default_hz)

    def run(self, flop: float, work: Callable[[], T]) -> T:
        """Do ``work`` and return once the modelled silicon would have done ``flop`` FLOP.

        Work that takes this machine longer than the modelled one keeps its own time.
        """
        with self._advanced() as state:
            target = state.queued + flop / self._board.processor.flop_per_cycle
            self._store(replace(state, queued=target))
        result = work()
        while True:
            with self._advanced() as state:
                left = target - state.drained
            if left <= 0.0 or self._interrupted.is_set():
                return result
            # Look again now and then: the clock may rise while this waits.
            self._sleep(min(left / state.clock_hz, LONGEST_SLEEP_S))

    @contextmanager
    def _locked(self) -> Iterator[None]:
        with self._threads:
            fcntl.flock(self._file, fcntl.LOCK_EX)
            try:
                yield
            finally:
                fcntl.flock(self._file, fcntl.LOCK_UN)

    @contextmanager
    def _advanced(self) -> Iterator[State]:
        with self._locked():
            state = advance(State(*_LAYOUT.unpack_from(self._memory)), self._board, self._now())
            self._store(state)
            yield state

    def _store(self, state: State) -> None:
        _LAYOUT.pack_into(self._memory, 0, *_FIGURES(state))
