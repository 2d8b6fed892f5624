# SPDX-License-Identifier: Apache-2.0
"""Gazebo's own parser takes the worlds, and those that ship are what the code makes now."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from coinfer_ros.sim.arena.sdf import VERSION, sdf
from coinfer_ros.sim.arena.shipped import ARENAS

from .gazebo_world import FIXED, each_arena, parsed

CHECKER = shutil.which("ign") or shutil.which("gz")
with_checker = pytest.mark.skipif(
    not CHECKER,
    reason="ign sdf is not here (Debian 12: apt install ignition-tools libsdformat-dev)",
)


def complaints(folder, text):
    """Return what sdformat finds wrong with a world."""
    file = folder / "world.sdf"
    file.write_text(text)
    told = subprocess.run(
        [CHECKER, "sdf", "-k", str(file)], capture_output=True, text=True, check=False
    )
    if told.returncode == 0 and told.stdout.strip() == "Valid.":
        return []
    return [line for line in told.stderr.splitlines() if "backtrace" not in line] or ["?"]


@with_checker
@pytest.mark.slow
@each_arena
def test_sdformat_finds_nothing_wrong(tmp_path, arena):
    assert complaints(tmp_path, sdf(arena)[0]) == []


@with_checker
@pytest.mark.slow
@pytest.mark.parametrize(
    ("good", "bad", "complaint"),
    [
        ('name="left_wheel_joint"', 'name="left_wheel"', "name collision"),
        ("<parent>base_footprint", "<parent>base", "base"),
        ("<izz>0.0515952", "<izz>5", "invalid inertia"),
        ("<pose>0 0 0.125 0 0 0", "<pose>0 0 0.125", "pose"),
        ('type="camera"', 'type="eye"', "sensor type"),
        ("</world>", "", "XML"),
    ],
)
def test_sdformat_finds_what_is_wrong(tmp_path, good, bad, complaint):
    text, _ = sdf(ARENAS["one_room"])
    assert good in text
    assert complaint in "\n".join(complaints(tmp_path, text.replace(good, bad, 1)))


# Debian 12 has sdformat 12.3; Harmonic's 14 has this in its SDF 1.9 too.
YOUNGER = {"/sdf/world/model/link/sensor/camera/optical_frame_id"}


def tags(element, within=""):
    """Yield the path of every element and attribute; plugins' insides are their own."""
    path = f"{within}/{element.tag}"
    yield path
    yield from (f"{path}@{name}" for name in element.attrib)
    if element.tag != "plugin":
        for child in element:
            yield from tags(child, path)


def specified(element, within=""):
    """Yield the same of sdformat's description of SDF."""
    path = f"{within}/{element.get('name')}"
    yield path
    yield from (f"{path}@{part.get('name')}" for part in element.findall("attribute"))
    for child in element.findall("element"):
        yield from specified(child, path)


@with_checker
@pytest.mark.slow
def test_every_tag_is_one_of_sdf():
    # The check above takes unknown ones for somebody's extension.
    told = subprocess.run(
        [CHECKER, "sdf", "-d", VERSION], capture_output=True, text=True, check=True
    )
    known = set(specified(parsed(told.stdout)))
    for arena in FIXED:
        root = parsed(sdf(arena)[0])
        assert root.get("version") == VERSION
        assert set(tags(root)) - known <= YOUNGER


# The files that ship


@pytest.mark.parametrize("name", ARENAS)
def test_the_shipped_world_is_what_the_code_makes_now(name):
    cv2 = pytest.importorskip("cv2")
    folder = Path(__file__).parents[2] / "worlds" / name
    text, pictures = sdf(ARENAS[name])
    again = f"stale: coinfer world {name} --out worlds/{name}"
    assert (folder / f"{name}.sdf").read_text(encoding="utf-8") == text, again
    assert {file.name for file in folder.iterdir()} == {f"{name}.sdf", *pictures}
    for picture, made in pictures.items():
        # Another OpenCV may pack the same pixels otherwise.
        kept, now = (
            cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            for data in ((folder / picture).read_bytes(), made)
        )
        np.testing.assert_array_equal(kept, now, err_msg=again)
