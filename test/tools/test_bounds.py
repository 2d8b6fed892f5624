# SPDX-License-Identifier: Apache-2.0
"""Tests of `coinfer bounds`."""

from __future__ import annotations

import json

import pytest

from coinfer_ros.tools.cli import main

Capture = pytest.CaptureFixture[str]


def test_the_object_has_the_five_figures_of_the_table(capsys: Capture) -> None:
    assert main(["bounds", "--bits", "4", "--weight-rate", "1", "--json"]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    figures = json.loads(output)
    assert set(figures) == {"rate_bits", "lower", "exact", "upper", "scalar_optimal"}
    assert figures["rate_bits"] == 3
    assert figures["lower"] == 0.0625
    assert figures["exact"] == pytest.approx(0.064538521, abs=5e-10)
    assert figures["scalar_optimal"] == pytest.approx(0.117783036, abs=5e-10)
    assert figures["upper"] == pytest.approx(0.1267831705, abs=5e-11)


def test_the_upper_bound_of_one_bit_is_null(capsys: Capture) -> None:
    assert main(["bounds", "--bits", "1", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["upper"] is None


def test_the_weight_rate_divides(capsys: Capture) -> None:
    assert main(["bounds", "--bits", "5", "--weight-rate", "8", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lower"] == 0.03125 / 8


def test_people_get_a_table(capsys: Capture) -> None:
    assert main(["bounds", "--bits", "5"]) == 0
    output, _ = capsys.readouterr()
    assert "Distortion at 5 bits a weight, λ = 1" in output
    assert "upper bound                   0.0627314" in output


@pytest.mark.parametrize("bits", ["0", "-1", "33", "2.5", "nan", "inf", "x", ""])
def test_a_bad_bit_width_gets_one_line(capsys: Capture, bits: str) -> None:
    assert main(["bounds", "--bits", bits, "--json"]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("coinfer: --bits must be a whole number in [1, 32], got ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize("weight_rate", ["0", "-1e3", "nan", "inf", "-inf", "x"])
def test_a_bad_weight_rate_gets_one_line(capsys: Capture, weight_rate: str) -> None:
    assert main(["bounds", "--bits", "4", "--weight-rate", weight_rate]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("coinfer: --weight-rate must be in [1e-30, 1e+30] 1/weight, got ")
    assert errors.count("\n") == 1


def test_the_bit_width_is_required(capsys: Capture) -> None:
    assert main(["bounds"]) == 2
    assert capsys.readouterr().err == "coinfer: the following arguments are required: --bits\n"
