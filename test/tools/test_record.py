# SPDX-License-Identifier: Apache-2.0
"""``coinfer record`` writes what a sensor gives, and a replay gives it back."""

from __future__ import annotations

import pytest

from coinfer_ros.adapters.devices.power.replay import ReplaySensor
from coinfer_ros.tools import cli

from ..adapters.devices import trees


def run(*words):
    return cli.main(["record", *map(str, words)])


def test_a_sensor_is_recorded_and_replayed(tmp_path, capsys):
    trees.battery(tmp_path)
    out = tmp_path / "trace.jsonl"
    words = ("--meter", "battery", "--root", tmp_path, "--seconds", "0.001")
    assert run(*words, "--out", out) == 0
    assert f"wrote {out}; left out: nothing" in capsys.readouterr().err
    replayed = ReplaySensor(out)
    assert replayed.sample().power_w == pytest.approx(9.5)
    assert replayed.info.source == "replay"
    replayed.close()


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (
            ("--meter", "sundial"),
            2,
            "--meter must be one of nvml, hwmon, tegrastats, rapl, battery",
        ),
        (("--meter", "battery", "--seconds", "0"), 2, "--seconds must be in"),
        (("--meter", "battery", "--root", "{tmp}"), 1, "a battery of this machine must be at"),
    ],
)
def test_what_cannot_be_recorded_is_refused_in_one_line(tmp_path, capsys, words, status, says):
    words = [word.format(tmp=tmp_path) for word in words]
    assert run(*words, "--out", tmp_path / "x") == status
    assert says in capsys.readouterr().err


def test_a_folder_that_is_not_there_is_named(tmp_path, capsys):
    assert run("--meter", "battery", "--out", tmp_path / "no" / "x") == 2
    assert "the folder of --out must be there, got" in capsys.readouterr().err
