# SPDX-License-Identifier: Apache-2.0
"""Tests of the command itself: choosing a subcommand, help, and failures by kind."""

from __future__ import annotations

import re
import sys
import types

import pytest

from coinfer_ros.core.errors import Unavailable
from coinfer_ros.tools import cli

Capture = pytest.CaptureFixture[str]


def test_help_lists_every_command_without_importing_one(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in cli.COMMANDS:
        monkeypatch.setitem(sys.modules, f"coinfer_ros.tools.{name}", None)  # import now fails
    assert cli.main(["--help"]) == 0
    output, errors = capsys.readouterr()
    assert errors == ""
    for name in cli.COMMANDS:
        assert re.search(rf"\n    {name}\s", output)


def test_help_of_a_command_lists_its_flags(capsys: Capture) -> None:
    assert cli.main(["bounds", "--help"]) == 0
    assert "--weight-rate 1/weight" in capsys.readouterr().out


@pytest.mark.parametrize("argv", [[], ["nonsense"], ["--json", "solve"], ["--bogus"]])
def test_a_line_without_a_good_command_gets_one_line(capsys: Capture, argv: list[str]) -> None:
    assert cli.main(argv) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("coinfer: ")
    assert errors.count("\n") == 1


def test_an_absent_command_leaves_the_others_alone(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(cli.COMMANDS, "absent", "not built here")
    assert cli.main(["absent"]) == 1
    assert capsys.readouterr().err == (
        "coinfer: this command needs coinfer_ros.tools.absent, which is not here\n"
    )
    assert cli.main(["bounds", "--bits", "4"]) == 0


def test_a_command_that_fails_says_so_in_one_line_and_exits_with_one(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(_: object) -> int:
        raise Unavailable("model.dir must hold a model,\ngot an empty folder")

    failing = types.ModuleType("coinfer_ros.tools.failing")
    failing.add_parser = lambda subparsers: subparsers.add_parser("failing").set_defaults(run=run)
    monkeypatch.setitem(sys.modules, failing.__name__, failing)
    monkeypatch.setitem(cli.COMMANDS, "failing", "always fails")
    assert cli.main(["failing"]) == 1
    assert capsys.readouterr().err == "coinfer: model.dir must hold a model, got an empty folder\n"
