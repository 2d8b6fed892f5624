# SPDX-License-Identifier: Apache-2.0
"""``make bench`` measures every section and writes the page; what it measures is not tested."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from coinfer_ros import resources

RUN = Path(__file__).resolve().parent.parent / "bench" / "run.py"


def _bench(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(RUN), "--quick", *arguments],
        env={**os.environ, "ROS_DOMAIN_ID": "91"},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )


def _rows(page: Path) -> dict[str, list[list[str]]]:
    """Return the cells of each section's rows, heads left out."""
    sections = page.read_text(encoding="utf-8").split("\n## ")[1:]
    tables = {}
    for section in sections:
        lines = [line for line in section.splitlines() if line.startswith("| ")]
        tables[section.partition("\n")[0]] = [line.strip("| ").split(" | ") for line in lines[2:]]
    return tables


def test_the_solvers_rows_and_the_machine_are_on_the_page(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = _bench("--only", "solver", "--write", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = _rows(page)["Finding a plan"]
    names = [row[0].partition(",")[0] for row in rows]
    assert set(names) == {
        "solve",
        "analytic_tables",
        "fallback",
        "Planner.decide",
    }
    assert all(float(cell) > 0.0 for row in rows for cell in row[1:])
    assert "| cores | " in page.read_text(encoding="utf-8")


@pytest.mark.slow
@pytest.mark.ros
def test_a_section_that_cannot_run_says_why_and_the_others_run(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    done = _bench("--only", "switch", "solver", "--model", "no-such", "--write", str(page))
    assert done.returncode == 1
    assert "switch: model.path must be a folder" in done.stdout
    assert "Finding a plan" in done.stdout
    assert not page.exists()


@pytest.mark.slow
@pytest.mark.ros
def test_the_quick_run_fills_every_section(tmp_path: Path) -> None:
    for shipped in ("models/git-scenes/config.json", "media/scenes.mp4"):
        if not (resources.root() / shipped).is_file():
            pytest.skip(f"{shipped} is not there yet")
    page = tmp_path / "page.md"
    done = _bench("--write", str(page))
    assert done.returncode == 0, done.stdout + done.stderr
    rows = _rows(page)
    kernels = [title for title in rows if title.startswith("Kernels: ")]
    assert len(kernels) == 2  # ViT-B/16 and ViT-g, on whatever kernels this machine has
    assert all(rows[title][0][0] == "float32" for title in kernels)
    others = rows.keys() - {"How to read them", *kernels}
    assert {title: len(rows[title]) for title in rows if title in others} == {
        "Overhead of a request": 4 * 4 + 2,
        "The same tensor through LeRobot's async inference": 3 * (3 + 2),
        "Finding a plan": 9,
        "Methods on the same instances": 10,
        "Training of the policy": 1,
        "Quantizing and packing": 1 + 5 * 2 * 2 + 2 * 3,
        "Answers together": 4,
        "Several robots on one edge": 1 + 2 * 3,
        "Distortion over bits": 9,
        "Changing the bit-width": 2 * 8,
        "Resident memory": 5,
        "Joules of the ledger against the truth": 4 * 7,
        "Looking at a power sensor": 5,
        "A clock given back after SIGKILL": 2,
        "Idle nodes": 8,
        "Start to first answer": 8,
        "The simulated room": 7,
    }
