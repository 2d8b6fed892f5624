# SPDX-License-Identifier: Apache-2.0
"""Tests of `coinfer figures`: what it writes, and that bad input writes nothing."""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import cv2
import pytest

from coinfer_ros.adapters.checkpoint_magnitudes import tensor_magnitudes
from coinfer_ros.core.distribution import fit
from coinfer_ros.tools.cli import main

Capture = pytest.CaptureFixture[str]
SHIPPED = Path(__file__).parents[2] / "models" / "git-scenes"


@pytest.mark.slow
def test_all_figures_are_written_with_their_numbers_and_named_at_the_end(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coinfer_ros.evaluation import autoencoder
    from coinfer_ros.evaluation.figures import output_distortion, rate_distortion

    monkeypatch.setattr(autoencoder, "STEPS", 3)
    monkeypatch.setattr(output_distortion, "WIDTHS", (4, 8))
    monkeypatch.setattr(rate_distortion, "BLAHUT_ARIMOTO_BITS", (1.0,))
    mine = tmp_path / "mine"
    shutil.copytree(SHIPPED, mine)
    out = tmp_path / "out"
    assert main(["figures", "--out", str(out), "--model", str(mine)]) == 0
    output, errors = capsys.readouterr()
    (line,) = output.splitlines()
    names = sorted(path.name for path in out.iterdir())
    assert sorted(line.removeprefix("wrote ").removesuffix(f" to {out}").split(", ")) == names
    assert {Path(name).suffix for name in names} == {".png", ".csv"}
    assert [name for name in names if name.endswith(".png")] == [
        "fig2-magnitudes.png",
        "fig3-output-distortion.png",
        "fig4-rate-distortion.png",
    ]
    assert "figure 3, distortion of outputs" in errors
    for name in names:
        if name.endswith(".png"):
            assert cv2.imread(str(out / name)).std() > 10
    _check_models(out / "fig2-tensors.csv")
    _check_curves(out / "fig3-output-distortion.csv")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


def _check_models(path: Path) -> None:
    tensors = {tensor.name: fit(tensor.magnitudes) for tensor in tensor_magnitudes(SHIPPED)}
    rows = _rows(path)
    mine = [row for row in rows if row["model"] == "mine"]
    whole = [row for row in rows if row["model"] == "shipped model, whole"]
    half = [row for row in rows if row["model"] == "shipped model, robot's half"]
    assert [{**row, "model": ""} for row in mine] == [{**row, "model": ""} for row in whole]
    assert {row["tensor"] for row in whole} == {*tensors, "all"}
    for row in whole[:-1]:
        found = tensors[row["tensor"]]
        assert float(row["weight_rate"]) == found.exponential.law.rate
        assert float(row["ks_exponential"]) == found.exponential.distance.middle
    in_half = {
        name
        for name in tensors
        if name.startswith(("git.image_encoder.", "git.visual_projection."))
    }
    assert {row["tensor"] for row in half} == {*in_half, "all"}
    assert sum("autoencoder" in row["model"] for row in rows) == 16 + 1


def _check_curves(path: Path) -> None:
    rows = _rows(path)
    assert len(rows) == 2 * 3 * 2  # models, quantizers, widths
    for row in rows:
        mean, greatest, bound = (
            float(row[name]) for name in ("output_l1_mean", "output_l1_greatest", "bound_l1")
        )
        assert 0 < mean <= greatest <= bound * (1 + 1e-15)


def test_only_the_figures_asked_for_are_made(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from coinfer_ros.evaluation.figures import rate_distortion

    monkeypatch.setattr(rate_distortion, "BLAHUT_ARIMOTO_BITS", (1.0,))
    assert main(["figures", "--out", str(tmp_path), "--only", "4", "4"]) == 0
    names = ["fig4-rate-distortion.png", "fig4-curves.csv", "fig4-blahut-arimoto.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert capsys.readouterr().out == f"wrote {', '.join(names)} to {tmp_path}\n"


@pytest.mark.parametrize(
    ("words", "status", "says"),
    [
        (["--only", "5"], 2, "--only must be one of 2, 3, 4, got '5'"),
        (["--only", "2", "x"], 2, "--only must be one of 2, 3, 4, got 'x'"),
        (["--seed", "-1"], 2, "--seed must be a whole number in [0, 4294967295], got -1"),
        (["--model", "nowhere"], 1, "--model must be a checkpoint folder, got 'nowhere'"),
        (["--model", ""], 2, "--model must be a folder, got ''"),
        (["--model", str(SHIPPED), f"{SHIPPED}/"], 2, "--model must name each folder once, got "),
        (["--model", "nowhere", "--only", "4"], 2, "--model is for figure 2, got --only without"),
    ],
)
def test_bad_input_gets_one_line_and_no_folder(
    tmp_path: Path, capsys: Capture, words: list[str], status: int, says: str
) -> None:
    out = tmp_path / "out"
    assert main(["figures", "--out", str(out), *words]) == status
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"coinfer: {says}")
    assert errors.count("\n") == 1
    assert not out.exists()


@pytest.mark.parametrize("damage", ["config.json", "model.safetensors"])
def test_a_broken_model_gets_one_line_and_no_folder(
    tmp_path: Path, capsys: Capture, damage: str
) -> None:
    broken, out = tmp_path / "broken", tmp_path / "out"
    shutil.copytree(SHIPPED, broken)
    (broken / damage).write_text("{")
    assert main(["figures", "--out", str(out), "--model", str(SHIPPED), str(broken)]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("coinfer: --model must hold ")
    assert errors.count("\n") == 1
    assert not out.exists()


def test_no_folder_at_all_is_not_the_current_one(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["figures", "--out", "", "--only", "4"]) == 2
    assert capsys.readouterr().err == "coinfer: --out must be a folder, got ''\n"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_gets_one_line_before_any_work(
    tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "file").touch()
    assert main(["figures", "--out", str(tmp_path / "file")]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("coinfer: --out must be a folder that can be written, got ")
    assert errors.count("\n") == 1


def test_without_matplotlib_one_line_says_how_to_get_it(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["figures", "--out", str(tmp_path / "out"), "--only", "4"]) == 1
    errors = capsys.readouterr().err
    assert errors.startswith("coinfer: figures need matplotlib")
    assert errors.endswith("pip install 'matplotlib>=3.8'\n")
    assert not (tmp_path / "out").exists()
