# SPDX-License-Identifier: Apache-2.0
"""A board file is taken whole or refused with the number at fault."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from coinfer_ros.adapters import board_file
from coinfer_ros.core.errors import InvalidInput, Unavailable

SHIPPED = sorted((Path(__file__).parents[2] / "config" / "boards").glob("*.yaml"))
GOOD = {
    "clock_steps_hz": {"value": {"first": 1e8, "last": 3e8, "step": 1e8}, "source": "s"},
    "default_clock_hz": {"value": 3e8, "source": "s"},
    "flop_per_cycle": {"value": 32, "source": "s"},
    "power_coefficient": {"value": 1e-27, "source": "s"},
    "pue": {"value": 1, "source": "s"},
    "idle_power_w": {"value": 0, "source": "s"},
    "transition_s": {"value": 0.01, "source": "s"},
    "sensor_period_s": {"value": 0.001, "source": "s"},
    "energy_resolution_j": {"value": 0.001, "source": "s"},
}


def read(tmp_path, entries):
    path = tmp_path / "board.yaml"
    path.write_text(entries if isinstance(entries, str) else yaml.safe_dump(entries))
    return board_file.read(path)


def test_steps_are_counted_from_first_to_last(tmp_path):
    assert read(tmp_path, GOOD).clock_steps_hz == (1e8, 2e8, 3e8)


def test_a_number_may_be_written_without_the_sign_that_yaml_wants(tmp_path):
    text = yaml.safe_dump(GOOD).replace("1.0e-27", "2.5e-26").replace("300000000.0", "3.0e8")
    board = read(tmp_path, text)
    assert board.default_clock_hz == 3e8
    assert board.processor.power_coefficient == 2.5e-26


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.stem)
def test_every_shipped_board_reads_and_names_a_source_for_each_number(path):
    board = board_file.read(path)
    assert board.name == path.stem
    for entry in yaml.safe_load(path.read_text()).values():
        assert len(entry["source"]) > 10


def test_boards_are_shipped():
    assert {"jetson_agx_orin", "rtx_3090", "paper_robot", "paper_edge"} <= {p.stem for p in SHIPPED}


@pytest.mark.parametrize(
    ("entry", "value", "message"),
    [
        ("idle_power_w", -3.0, "idle_power_w must be a finite number of at least 0, got -3.0"),
        ("idle_power_w", float("nan"), "idle_power_w must be .* got nan"),
        ("flop_per_cycle", 0, "flop_per_cycle must be .* got 0"),
        ("power_coefficient", "lots", "power_coefficient must be .* got 'lots'"),
        ("default_clock_hz", 2.5e8, "default_clock_hz must be one of clock_steps_hz"),
        ("clock_steps_hz", [], "clock_steps_hz must be a list"),
        ("clock_steps_hz", [2e8, 1e8], "clock_steps_hz must rise"),
        ("clock_steps_hz", [-1e8, 1e8], "clock_steps_hz must be above 0 Hz, got -100000000.0"),
        ("sensor_period_s", 0, "sensor_period_s must be"),
    ],
)
def test_a_number_that_breaks_its_rule_is_named_with_the_file(tmp_path, entry, value, message):
    with pytest.raises(InvalidInput, match=rf"board\.file '.*board\.yaml': {message}"):
        read(tmp_path, GOOD | {entry: {"value": value, "source": "s"}})


def test_a_missing_and_an_unknown_number_are_both_named(tmp_path):
    entries = {name: entry for name, entry in GOOD.items() if name != "pue"} | {"puer": 1}
    with pytest.raises(InvalidInput, match="missing: pue, unknown: puer"):
        read(tmp_path, entries)


def test_a_number_without_its_source_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="pue must have a value and a source, got 1"):
        read(tmp_path, GOOD | {"pue": 1})


@pytest.mark.parametrize("text", ["", "- a\n- b", "3"])
def test_a_file_of_another_shape_is_refused(tmp_path, text):
    with pytest.raises(InvalidInput, match="the file must hold entries"):
        read(tmp_path, text)


def test_a_file_that_is_no_yaml_or_not_there_is_refused(tmp_path):
    with pytest.raises(InvalidInput, match="must be YAML"):
        read(tmp_path, "a: [")
    with pytest.raises(Unavailable, match="must be a readable file"):
        board_file.read(tmp_path / "none.yaml")
