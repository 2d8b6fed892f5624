# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import json

import pytest

from coinfer_ros.core import wire
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.tools.cli import main

pytestmark = pytest.mark.slow


def test_every_cut_of_the_shipped_model_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "git-scenes", "--json"]) == 0
    captured = capsys.readouterr()
    found = json.loads(captured.out)
    assert captured.err == ""
    assert found["model"] == "git-scenes"
    cuts = found["cuts"]
    assert [cut["cut"] for cut in cuts] == [
        *(f"block{index}" for index in range(1, 5)),
        "visual_projection",
    ]
    for cut in cuts:
        assert set(cut["robot_weight_bytes"]) == {str(bits) for bits in WEIGHT_BITS}
        assert set(cut["embedding_bytes"]) == {str(bits) for bits in wire.WIRE_BITS}
        # 17 tokens of 128 channels: float32, and 4 bits with a scale a token.
        assert cut["embedding_bytes"]["32"] == 17 * 128 * 4
        assert cut["embedding_bytes"]["4"] == 17 * 128 // 2 + 17 * 4
    last = cuts[-1]
    assert (last["robot_parameters"], last["edge_parameters"]) == (910976, 609946)


def test_people_get_tables_that_fit_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", "git-scenes"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:1] == ["visual_projection"] for line in lines)
    assert max(map(len, lines)) <= 80
    assert "…" not in "".join(lines)


def test_a_longer_prompt_is_the_edge_s_work(capsys: pytest.CaptureFixture[str]) -> None:
    def edge_flop(*arguments: str) -> float:
        assert main(["inspect", "git-scenes", "--json", *arguments]) == 0
        cuts = json.loads(capsys.readouterr().out)["cuts"]
        return float(cuts[-1]["edge_flop"])

    plain = edge_flop()
    assert edge_flop("--prompt-tokens", "8") > plain
    assert edge_flop("--every-position") >= plain


@pytest.mark.parametrize(
    ("arguments", "status", "says"),
    [
        (["nowhere"], 1, "model.path must be a folder or the name of a shipped model, got"),
        (["git-scenes", "--image-px", "3"], 2, "--image-px must be WIDTHxHEIGHT, got '3'"),
        (["git-scenes", "--image-px", "0x5"], 2, "--image-px must have sides of 1 to 8192"),
        (["git-scenes", "--prompt-tokens", "-1"], 2, "--prompt-tokens must be"),
        ([], 2, "model"),
    ],
)
def test_bad_arguments_are_named(
    capsys: pytest.CaptureFixture[str], arguments: list[str], status: int, says: str
) -> None:
    try:
        found = main(["inspect", *arguments])
    except SystemExit as end:
        found = int(str(end.code))
    assert found == status
    assert says in capsys.readouterr().err
