# SPDX-License-Identifier: Apache-2.0
"""After a death at any call of NVML's, the next owner finds no lock or ends it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from coinfer_ros.adapters.devices.clocks.owned_clock import OwnedClock
from coinfer_ros.adapters.devices.nvml import NvmlClock

from ..fake_nvml import FakeNvml

# Each child dies at its own call; they come from one process, which loads Python and NVML once.
PROGRAM = """
import os, sys
from pathlib import Path
import pynvml
from coinfer_ros.adapters.devices.clocks.owned_clock import OwnedClock
from coinfer_ros.adapters.devices.nvml import NvmlClock
folder = Path(sys.argv[1])
for line in sys.stdin:
    child = os.fork()
    if not child:
        driver = NvmlClock()
        with OwnedClock(driver, folder) as clock:
            clock.request_hz(1.005e9)
            clock.request_hz(1.5e9)
        driver.close()
        os._exit(0)
    print(os.waitpid(child, 0)[1], flush=True)
"""


@pytest.mark.slow
def test_whichever_call_it_dies_at_no_lock_outlives_the_next_owner(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    deaths = locked = 0
    with FakeNvml(tmp_path) as nvml:
        parent = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder)],
            env=nvml.environment() | {"PYTHONPATH": os.pathsep.join(sys.path)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert parent.stdin is not None
        assert parent.stdout is not None
        try:
            for call in range(1, 200):
                nvml.die_in(call)
                parent.stdin.write("\n")
                parent.stdin.flush()
                status = int(parent.stdout.readline())
                nvml.die_in(0)
                left = nvml.gpu().locked_mhz
                held = list(folder.glob("*.former.json"))
                assert not left or held, "a lock that nobody has written down"
                driver = NvmlClock()
                OwnedClock(driver, folder).close()
                driver.close()
                assert nvml.gpu().locked_mhz == 0
                assert not list(folder.glob("*.former.json"))
                if not status:
                    break
                assert os.WTERMSIG(status) == signal.SIGKILL
                deaths += 1
                locked += bool(left)
        finally:
            parent.stdin.close()
            parent.wait()
    assert not status, "it never came to its end"
    assert deaths > locked > 0
