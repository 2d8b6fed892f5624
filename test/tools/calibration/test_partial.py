# SPDX-License-Identifier: Apache-2.0
"""What was measured before an interruption is kept to its last digit, and no other's is taken."""

from __future__ import annotations

import math

import pytest

from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.tools.calibration.partial import Partial
from coinfer_ros.tools.calibration.steps import Step, take

SETTINGS = {"model": "ab", "device": {"cores": 2}, "widths": [2, 4], "clocks_hz": [None]}


def opened(path, *, restart=False, **changes):
    return Partial(path, {**SETTINGS, **changes}, restart=restart)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "p.json.partial"


def test_measurements_outlive_the_process_exactly(path):
    value = {"seconds": [0.1 + 0.2, 5e-324, 1e308], "joules": None, "rate": math.inf}
    opened(path).keep("first", value)
    again = opened(path)
    assert again.done == {"first": value}
    again.keep("second", 7)
    assert opened(path).done == {"first": value, "second": 7}


@pytest.mark.parametrize("torn", ['{"key": "second", "val', '{"key": "second", "value": 7}'])
def test_a_line_that_a_kill_cut_short_is_measured_again(path, torn):
    opened(path).keep("first", 1)
    with path.open("a") as stream:
        stream.write(torn)  # without its line break
    again = opened(path)
    assert again.done == {"first": 1}
    again.keep("second", 2)
    assert opened(path).done == {"first": 1, "second": 2}


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model": "cd"}, "model 'ab' then, 'cd' now"),
        ({"device": {"cores": 4}}, "device.cores 2 then, 4 now"),
        ({"widths": [2, 8]}, r"widths \[2, 4\] then, \[2, 8\] now"),
        ({"flop": 1.0}, "flop None then, 1.0 now"),
        ({"model": "cd", "widths": []}, "model .* now; widths .* now: --restart begins anew"),
    ],
)
def test_another_calibration_is_refused_naming_each_difference(path, changes, says):
    opened(path).keep("first", 1)
    with pytest.raises(InvalidInput, match=says):
        opened(path, **changes)
    assert opened(path).done == {"first": 1}
    assert opened(path, restart=True, **changes).done == {}


@pytest.mark.parametrize("content", ["", "no JSON\n", "[]\n", '{"format": "other/1"}\n'])
def test_a_file_that_is_no_calibration_is_refused_and_left_alone(path, content):
    path.write_text(content)
    with pytest.raises(InvalidInput, match="must be of format coinfer-calibration/1: --restart"):
        opened(path)
    assert path.read_text() == content
    assert opened(path, restart=True).done == {}


def test_a_folder_that_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(Unavailable, match="--out must be in a folder to write in"):
        opened(tmp_path / "none" / "p.partial")


def test_only_steps_that_are_left_are_taken_and_each_is_kept_before_the_next():
    taken, kept = [], {}

    def step(key):
        def measure(tick):
            tick()
            taken.append((key, dict(kept)))
            return key.upper()

        return Step(key, 1, key, measure)

    ticks = []
    found = take(
        [step("a"), step("b"), step("c")],
        {"b": "B, before"},
        keep=kept.__setitem__,
        tick=lambda: ticks.append(1),
    )
    assert found == {"a": "A", "b": "B, before", "c": "C"}
    assert taken == [("a", {}), ("c", {"a": "A"})]
    assert len(ticks) == 2


def test_other_settings_begin_anew_while_nothing_is_measured(path):
    opened(path)
    again = opened(path, widths=[8])
    assert again.done == {}
    again.keep("first", 1)
    with pytest.raises(InvalidInput, match="widths"):
        opened(path)
