# SPDX-License-Identifier: Apache-2.0
"""Lines of tegrastats are read as NVIDIA's program printed them, and never wrongly."""

from __future__ import annotations

import json
import math
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from coinfer_ros.adapters.devices.power.tegrastats_line import MIB, RailPower, Temperature, parse

LINES = Path(__file__).parents[1] / "data" / "tegrastats_lines.jsonl"
GOLDEN = [json.loads(text) for text in LINES.read_text("utf-8").splitlines()]
TEXTS = [golden["line"] + "\n" for golden in GOLDEN]
START = "RAM 534/3964MB (lfb 98x4MB) "


def rails(line):
    return [(rail.name, rail.now_w, rail.mean_w) for rail in parse(line).rails]


@pytest.mark.parametrize("golden", GOLDEN, ids=lambda it: f"{it['board']}, {it['release']}")
def test_a_line_of_a_real_board_is_read_as_by_hand(golden):
    found = parse(golden["line"] + "\n")
    assert golden["origin"].startswith("https://")
    assert rails(golden["line"] + "\n") == [pytest.approx(tuple(rail)) for rail in golden["rails"]]
    load = math.nan if golden["gpu_load"] is None else golden["gpu_load"]
    assert found.gpu_load == pytest.approx(load, nan_ok=True)
    assert found.gpu_clocks_hz == tuple(mhz * 1e6 for mhz in golden["gpu_clocks_mhz"])
    ram = [found.ram_used_bytes / MIB, found.ram_total_bytes / MIB]
    assert ram == golden["ram_mib"]
    if golden["temperature"]:
        assert Temperature(*golden["temperature"]) in found.temperatures
    core = found.cores[0]
    assert [core.load, core.clock_hz / 1e6] == pytest.approx(golden["core_0"])
    assert (found.unknown, found.left_out) == (golden["unknown"], ())


def test_at_least_twelve_boards_or_releases_are_known():
    assert len({(golden["board"], golden["release"]) for golden in GOLDEN}) >= 12


def test_a_core_that_is_off_has_no_figures_and_one_that_shares_a_clock_has_it():
    cores = parse(f"{START}CPU [12%,off,7%]@1734 \n").cores
    assert [core.clock_hz for core in cores] == pytest.approx(
        [1.734e9, math.nan, 1.734e9], nan_ok=True
    )
    assert [core.load for core in cores] == pytest.approx([0.12, math.nan, 0.07], nan_ok=True)


@pytest.mark.parametrize(
    ("field", "expected"),
    [
        ("VDD_IN 2532/2698", [("VDD_IN", 2.532, 2.698)]),
        ("VDD_IN 2532mW/2698mW", [("VDD_IN", 2.532, 2.698)]),
        ("VDD_IN 2.5W/2.75W", [("VDD_IN", 2.5, 2.75)]),
        ("VDD_IN 7953mW/8332mW/8710mW", [("VDD_IN", 7.953, 8.332)]),
        ("A_NEW_RAIL 10mW/20mW", [("A_NEW_RAIL", 0.01, 0.02)]),
        ("\x1b[1;32mVDD_IN\x1b[0m 2532mW/2698mW", [("VDD_IN", 2.532, 2.698)]),
    ],
)
def test_power_is_in_watts_whatever_the_release_prints(field, expected):
    assert rails(f"{START}{field} GPU@40C\n") == expected


@pytest.mark.parametrize(
    "field",
    [
        "VDD_IN 2532",  # half a pair
        "VDD_IN 598mW/598",  # a cut unit
        "VDD_IN 4,900mW/4,900mW",  # 4.9 mW or 4.9 W
        "VDD_IN 0x1FmW/31mW",
        "VDD_IN ٤٩mW/٤٩mW",  # digits, but no program's
        "VDD_IN 12mV/13mV",
        "FAN 1200/5000",  # without a unit, and no name of a rail
    ],
)
def test_what_is_no_pair_of_powers_is_counted_as_unknown(field):
    found = parse(f"{START}{field} GPU@40C\n")
    assert (found.rails, found.unknown, found.left_out) == ((), 2, ())


@pytest.mark.parametrize(
    ("field", "reason"),
    [
        ("VDD_CPU_CV -1398mW/-398mW", "absurd power"),
        ("VDD_IN 99999999mW/1mW", "absurd power"),
        ("GPU@999C", "absurd temperature"),
        ("GR3D_FREQ 250%@76", "absurd load"),
        ("GR3D_FREQ @99999999999", "absurd clock"),
        ("CPU [1%@102,what]", "unreadable core"),
        (f"RAM 1/{'9' * 400}MB", "absurd memory"),
    ],
)
def test_a_figure_that_cannot_be_true_is_left_out_with_its_reason(field, reason):
    found = parse(f"{START}{field} \n")
    assert (found.rails, found.temperatures, found.left_out) == ((), (), (reason,))


def test_a_mean_that_cannot_be_true_does_not_cost_the_power_now():
    assert parse(f"{START}VDD_IN 300mW/-5mW \n").rails[0].now_w == pytest.approx(0.3)
    assert math.isnan(parse(f"{START}VDD_IN 300mW/-5mW \n").rails[0].mean_w)


def test_a_zone_without_power_is_no_temperature_and_no_fault():
    found = parse(f"{START}CV0@-256C cpu@45,125C \n")
    assert found.temperatures == (Temperature("cpu", 45.125),)
    assert found.left_out == ()


def test_fields_of_a_later_release_cost_nothing_but_a_count():
    found = parse(f"{START}XPU_FREQ 3%@[9] VDD_IN 1mW/2mW hello NPU {{7}}\n")
    assert found.rails == (RailPower("VDD_IN", 0.001, 0.002),)
    assert (found.unknown, found.left_out) == (5, ())


def test_fields_may_come_in_any_order():
    words = ["VIN 9mW/8mW", "GPU@40C", "GR3D_FREQ 5%@76", "RAM 1/2MB", "CPU [1%@2]"]
    for turn in range(len(words)):
        found = parse(" " + " ".join(words[turn:] + words[:turn]) + "\n")
        assert found.rails == (RailPower("VIN", 0.009, 0.008),)
        assert (found.gpu_load, found.ram_total_bytes, len(found.cores)) == (0.05, 2 * MIB, 1)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("10-31-2024 12:00:01", datetime(2024, 10, 31, 12, 0, 1)),
        ("31-10-2024 12:00:01", None),
        ("10-31-2024 12:00:61", None),
    ],
)
def test_the_date_is_american_or_none(date, expected):
    assert parse(f"{date} {START}\n").printed_at == expected


def test_the_last_field_of_a_line_without_its_end_is_not_believed():
    found = parse(f"{START}VDD_IN 4900mW/4900mW VDD_SOC 12mW/49mW")
    assert [rail.name for rail in found.rails] == ["VDD_IN"]
    assert found.left_out == ("cut field",)


def test_a_line_that_lost_its_beginning_gives_no_rail_by_the_end_of_its_name():
    assert rails("GPU 152/152 VDD_IN 3056/3056 \n") == [("VDD_IN", 3.056, 3.056)]
    assert rails("VDD_SYS_GPU 152/152 \n") == [("VDD_SYS_GPU", 0.152, 0.152)]


@pytest.mark.parametrize("text", TEXTS)
def test_a_line_cut_anywhere_gives_the_rails_of_its_piece_and_no_other(text):
    whole = rails(text)
    for cut in range(len(text)):
        begin, end = rails(text[:cut]), rails(text[cut:])
        assert begin == whole[: len(begin)]
        assert end == whole[len(whole) - len(end) :]


@given(st.sampled_from(TEXTS), st.data())
def test_a_piece_out_of_a_line_gives_a_subset_of_its_rails(text, data):
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    assert set(rails(text[start:end])) <= set(rails(text))


WORDS = st.sampled_from([word for text in TEXTS for word in text.split(" ")])


@given(st.text() | st.lists(WORDS | st.text(max_size=5)).map(" ".join))
def test_no_text_makes_it_fail_or_gives_a_power_that_cannot_be(text):
    found = parse(text)
    assert all(0 <= rail.now_w < math.inf for rail in found.rails)
    assert all(rail.mean_w >= 0 or math.isnan(rail.mean_w) for rail in found.rails)
    assert all(math.isfinite(zone.temperature_c) for zone in found.temperatures)
    assert math.isnan(found.gpu_load) or 0 <= found.gpu_load <= 1
    assert found.unknown >= 0
