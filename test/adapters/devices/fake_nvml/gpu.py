# SPDX-License-Identifier: Apache-2.0
"""The test's hand on the fake GPUs: compiles the library, lays out the file, changes the world."""

from __future__ import annotations

import atexit
import ctypes
import functools
import mmap
import os
import shutil
import subprocess
import tempfile
import time
from ctypes import Structure, c_char, c_double, c_int64
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("fake_nvml.c")
LIBRARY = "libnvidia-ml.so.1"
WORLD = "FAKE_NVML_WORLD"
ODD = -(2**63)  # no odd answer

IS_LOST, NOT_SUPPORTED, NO_PERMISSION, DRIVER_NOT_LOADED = 15, 3, 4, 9
NAN = float("nan")


class ProcessState(Structure):
    _fields_ = [("pid", c_int64), ("sm_percent", c_int64), ("age_us", c_int64)]


class GpuState(Structure):
    """``struct gpu`` of fake_nvml.c, where each field is described."""

    _fields_ = [
        ("name", c_char * 96),
        ("uuid", c_char * 96),
        ("error", c_int64),
        ("errors", c_int64 * 32),
        *((name, c_double) for name in ("idle_w", "cubic_w", "load", "memory_w", "module_w")),
        *((name, c_int64) for name in ("has_instant", "temperature_c", "mig", "steps")),
        ("step_mhz", c_int64 * 128),
        *((name, c_int64) for name in ("memory_mhz", "memory_low_mhz", "boost_mhz")),
        *((name, c_int64) for name in ("locked_mhz", "cap_mhz", "reasons")),
        ("period_s", c_double),
        ("stalled", c_int64),
        *((name, c_double) for name in ("energy_j", "shown_j", "settled_s")),
        ("processes", c_int64),
        ("process", ProcessState * 4),
        *((f"odd_{name}", c_int64) for name in ("power", "energy", "temperature", "load", "clock")),
    ]


class WorldState(Structure):
    _fields_ = [
        *((name, c_int64) for name in ("size", "init_error", "permitted", "epoch")),
        ("offset_s", c_double),
        ("speed", c_double),
        *((name, c_int64) for name in ("spared_pid", "die_in", "die_on")),
        ("calls", c_int64 * 32),
        ("gpus", c_int64),
        ("gpu", GpuState * 4),
    ]


@functools.cache
def compiled() -> Path:
    """Compile the library once and return where it lies; without a compiler the test is skipped."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("the fake NVML must be compiled, and there is no C compiler (cc)")
    folder = Path(tempfile.mkdtemp(prefix="fake_nvml_"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    options = ("-shared", "-fPIC", "-O1", f"-Wl,-soname,{LIBRARY}", "-o", str(folder / LIBRARY))
    subprocess.run([compiler, *options, str(SOURCE), "-lm", "-lpthread"], check=True)
    return folder / LIBRARY


class FakeNvml:
    """Some GPUs that look like an H100.

    :param folder: where their file goes; a temporary one.
    :param gpus: how many there are, 1 to 4.
    :param speed: of their time against the real one; 0: it moves only by ``advance``.
    """

    def __init__(self, folder: Path, gpus: int = 1, speed: float = 1.0) -> None:
        self._library = ctypes.CDLL(str(compiled()))
        self._library.fake_functions.restype = ctypes.c_char_p
        self._functions = self._library.fake_functions().decode().split(",")[:-1]
        self._path = folder / "gpus"
        self._path.write_bytes(bytes(ctypes.sizeof(WorldState)))
        with self._path.open("r+b") as file:
            self._memory = mmap.mmap(file.fileno(), 0)
        self.world = WorldState.from_buffer(self._memory)
        self._begin(gpus, speed)
        self._former = os.environ.get(WORLD)
        os.environ[WORLD] = str(self._path)

    def __enter__(self) -> FakeNvml:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Take the world away from this process; its library stays, as one without a driver."""
        if self._former is None:
            os.environ.pop(WORLD, None)
        else:
            os.environ[WORLD] = self._former

    def gpu(self, index: int = 0) -> GpuState:
        """Return the live state of a GPU; what power depends on is changed by ``change``."""
        return self.world.gpu[index]

    def change(self, index: int = 0, **fields: float | bytes) -> None:
        """Change fields of one GPU from now on."""
        self._library.fake_settle()
        for name, value in fields.items():
            setattr(self.gpu(index), name, value)

    def now(self) -> float:
        """Return the time of the fake GPUs, s."""
        return self.world.offset_s + self.world.speed * time.monotonic()

    def advance(self, by_s: float) -> None:
        """Let time pass."""
        self._library.fake_settle()
        self.world.offset_s += by_s

    def power_w(self, index: int = 0) -> float:
        """Return the power that the law gives now, W."""
        gpu = self.gpu(index)
        mhz = gpu.locked_mhz or gpu.step_mhz[gpu.steps - 1 if gpu.load else 0]
        mhz = min(mhz, gpu.cap_mhz or mhz)
        return gpu.idle_w + gpu.cubic_w * (mhz / 1000) ** 3 * gpu.load

    def fail(self, function: str, error: int = NOT_SUPPORTED, index: int = 0) -> None:
        """Let one C function answer with an NVML error from now on; 0: as it should."""
        self.gpu(index).errors[self._functions.index(function)] = error

    def lose(self, index: int = 0) -> None:
        """Let a GPU fall off the bus."""
        self.gpu(index).error = IS_LOST

    def give_back(self, index: int = 0) -> None:
        """Let a lost GPU return: only who initialises NVML again can use it."""
        self.gpu(index).error = 0
        self.world.epoch += 1

    def reload_driver(self) -> None:
        """Let locks end and counters begin at 0, and processes find their GPUs lost."""
        self._library.fake_settle()
        for gpu in self.world.gpu:
            gpu.locked_mhz, gpu.energy_j, gpu.shown_j = 0, 0.0, 0.0
        self.world.epoch += 1

    def calls(self) -> dict[str, int]:
        """Return how often each C function was called by any process."""
        counts = zip(self._functions, self.world.calls, strict=False)
        return {name: count for name, count in counts if count}

    def die_in(self, calls: int, of: str = "") -> None:
        """Kill whichever other process makes the so-manieth call from now, before it has effect.

        :param of: count calls of this C function alone.
        """
        self.world.die_on = self._functions.index(of) if of else -1
        self.world.die_in = calls

    def environment(self) -> dict[str, str]:
        """Return the environment of a child that shall find these GPUs."""
        folders = [str(compiled().parent), os.environ.get("LD_LIBRARY_PATH", "")]
        return {**os.environ, "LD_LIBRARY_PATH": ":".join(filter(None, folders))}

    def _begin(self, gpus: int, speed: float) -> None:
        world = self.world
        world.size, world.gpus, world.permitted = ctypes.sizeof(world), gpus, 1
        world.speed, world.offset_s = speed, -speed * time.monotonic()
        world.spared_pid, world.die_on = os.getpid(), -1
        for index, gpu in enumerate(world.gpu):
            _like_h100(gpu, index)


def _like_h100(gpu: GpuState, index: int) -> None:
    """Fill in an H100 SXM: 345 to 1980 MHz by 15, 70 W idle, 700 W at most."""
    gpu.name = b"NVIDIA H100 80GB HBM3"
    gpu.uuid = b"GPU-0000000%d-1111-2222-3333-444444444444" % index
    steps = range(345, 1981, 15)
    gpu.steps, gpu.step_mhz[: len(steps)] = len(steps), list(steps)
    gpu.memory_mhz, gpu.memory_low_mhz, gpu.boost_mhz = 2619, 1593, 1980
    gpu.idle_w, gpu.cubic_w = 70.0, 630.0 / 1.98**3
    gpu.memory_w, gpu.module_w, gpu.has_instant = NAN, NAN, 1
    gpu.temperature_c, gpu.mig, gpu.period_s = 35, 0, 0.1
    for name in ("power", "energy", "temperature", "load", "clock"):
        setattr(gpu, f"odd_{name}", ODD)
