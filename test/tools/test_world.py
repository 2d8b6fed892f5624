# SPDX-License-Identifier: Apache-2.0
"""`coinfer world`: files that a simulator opens, or one line that says why not."""

from __future__ import annotations

import contextlib
import xml.etree.ElementTree as ET

import pytest

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.sim.arena.graphics import use_offscreen_graphics
from coinfer_ros.sim.arena.shipped import TWO_ROOMS
from coinfer_ros.tools import cli


def test_gazebos_world_has_its_pictures_beside_it(tmp_path, capsys):
    folder = tmp_path / "new" / "room"
    assert cli.main(["world", "two_rooms", "--out", str(folder)]) == 0
    assert capsys.readouterr().out == f"wrote {folder}/two_rooms.sdf\n"
    root = ET.parse(folder / "two_rooms.sdf").getroot()  # noqa: S314  just written
    assert root.find("world").get("name") == "two_rooms"
    named = {element.text for element in root.iter("albedo_map")}
    assert {file.name for file in folder.iterdir()} == {"two_rooms.sdf", *named}


def test_mujoco_opens_its_world(tmp_path):
    with contextlib.suppress(Unavailable):  # settled as MuJoCo is imported, for tests that draw
        use_offscreen_graphics()
    mujoco = pytest.importorskip("mujoco", reason="mujoco is not here: pip install .[simulation]")
    assert cli.main(["world", "two_rooms", "--out", str(tmp_path), "--format", "mjcf"]) == 0
    model = mujoco.MjModel.from_xml_path(str(tmp_path / "two_rooms.xml"))
    names = {model.geom(number).name for number in range(model.ngeom)}
    assert {thing.label for thing in TWO_ROOMS.things} < names


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["garden", "--out", "x"], "the world must be one of one_room, two_rooms, got 'garden'"),
        (["one_room", "--out", "x", "--format", "urdf"], "--format must be one of sdf, mjcf"),
        (["one_room", "--out", ""], "--out must be a folder, got ''"),
        (["one_room"], "--out"),
    ],
)
def test_a_wrong_word_gets_one_line(arguments, complaint, capsys):
    assert cli.main(["world", *arguments]) == 2
    told = capsys.readouterr().err
    assert complaint in told
    assert told.count("\n") == 1


def test_a_folder_that_cannot_be_written_is_named(tmp_path, capsys):
    taken = tmp_path / "file"
    taken.touch()
    assert cli.main(["world", "one_room", "--out", str(taken)]) == 1
    assert str(taken) in capsys.readouterr().err
