# SPDX-License-Identifier: Apache-2.0
"""SIGKILL at any line of an owner, or of the next one who mends what it left, loses no clock."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

import coinfer_ros

HERE = Path(__file__).parent
# Each death costs some fsyncs, which memory answers at once.
MEMORY = Path("/dev/shm")  # noqa: S108


@pytest.mark.slow
@pytest.mark.parametrize(
    # The lines of owning are the same for both; those of the second driver are sampled.
    ("name", "every", "least_deaths"),
    [("devfreq", 1, 400), ("cpufreq", 7, 80)],
)
def test_after_a_death_at_any_line_the_next_owner_gives_all_back(
    name: str, every: int, least_deaths: int
) -> None:
    where = MEMORY if os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=where) as folder:
        done = subprocess.run(
            [sys.executable, HERE / "kill_everywhere.py", folder, name, str(every)],
            env=os.environ | {"PYTHONPATH": str(Path(coinfer_ros.__file__).parent.parent)},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["deaths"] >= least_deaths
    assert found["second_deaths"] >= least_deaths / 2
    # No lock yet, the lock, a draft, the state, and the state with each of the writes: a death
    # in each is what the numbers above are for.
    assert found["kinds"] >= 7
