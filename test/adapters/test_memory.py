# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from coinfer_ros.adapters.memory import Resident, resident
from coinfer_ros.core.errors import Unavailable

STATUS = """Name:\tpython3
VmRSS:\t  3000 kB
RssAnon:\t  2000 kB
RssFile:\t   900 kB
RssShmem:\t   100 kB
Threads:\t1
"""


def test_linux_s_figures_are_kibibytes(tmp_path: Path) -> None:
    file = tmp_path / "status"
    file.write_text(STATUS)
    assert resident(file) == Resident(own_bytes=2100 * 1024, mapped_bytes=900 * 1024)
    assert str(resident(file)) == "2 MB and 1 MB of mapped files"


FILLING = """
import numpy as np
from coinfer_ros.adapters.memory import resident
before = resident().own_bytes
held = np.ones(64 * 1024 * 1024, np.uint8)
print((resident().own_bytes - before) / held.nbytes)
"""


def test_memory_that_is_filled_is_counted() -> None:
    # In a process of its own: others that tests have left may give memory back meanwhile.
    done = subprocess.run(
        [sys.executable, "-c", FILLING], capture_output=True, text=True, check=True
    )
    assert float(done.stdout) == pytest.approx(1.0, rel=0.2)


@pytest.mark.parametrize("text", ["", "RssAnon:\t1 kB\n", "RssAnon:\nRssFile:\nRssShmem:\n"])
def test_a_system_that_does_not_tell_is_unavailable(tmp_path: Path, text: str) -> None:
    file = tmp_path / "status"
    file.write_text(text)
    with pytest.raises(Unavailable, match=r"resident memory must be told by .* got none"):
        resident(file)
    with pytest.raises(Unavailable, match="resident memory must be told by"):
        resident(tmp_path / "none")
