# SPDX-License-Identifier: Apache-2.0
"""``coinfer train`` makes a model that loads, scores it, and the shipped one is as good as told."""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from coinfer_ros.adapters import models
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.model import WEIGHT_BITS, Head, Tail
from coinfer_ros.sim.scene import captions
from coinfer_ros.tools import clip, train
from coinfer_ros.tools.arguments import Parser
from coinfer_ros.tools.model_card import Training
from coinfer_ros.tools.scoring import Score, score
from coinfer_ros.tools.training.lessons import Lessons
from coinfer_ros.tools.training.recipes import RECIPES

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "git-scenes"
SHORT = ("--scenes", "32", "--steps", "2")


def parse(*words: str) -> argparse.Namespace:
    parser = Parser(prog="coinfer")
    train.add_parser(parser.add_subparsers())
    return parser.parse_args(["train", *words])


@pytest.mark.slow
@pytest.mark.parametrize("name", RECIPES)
def test_a_short_training_writes_a_checkpoint_that_both_halves_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    out = tmp_path / "model"
    arguments = parse(name, "--out", str(out), *SHORT, "--held-out", "2")
    assert arguments.run(arguments) == 0
    assert models.open_head(out).info == models.open_tail(out).info
    assert (out / "model.safetensors").stat().st_size <= 10_000_000
    assert not (out / ".training").exists()
    card = (out / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0")
    assert f"2 steps of {RECIPES[name].batch}" in " ".join(card.split())
    for bits in WEIGHT_BITS:
        assert f"\n| {bits} | " in card
    assert ("| right answers |" in card) == name.startswith("blip2")
    (out / "README.md").write_text("old")
    again = parse("--evaluate", str(out), "--held-out", "3")
    capsys.readouterr()
    assert again.run(again) == 0
    assert "right" in capsys.readouterr().out
    captioned = 1 if name == "blip2-rooms" else 3  # the others of it are only asked about
    assert f"\n{captioned} held-out" in (out / "README.md").read_text()


@pytest.mark.slow
def test_the_same_seed_trains_the_same_model_stopped_or_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def words(name: str) -> argparse.Namespace:
        short = ("--scenes", "32", "--steps", "3", "--held-out", "1", "--seed", "5")
        return parse("--device", "cpu", "--out", str(tmp_path / name), *short)

    assert train.run(words("whole")) == 0
    draw, drawn = Lessons.batch, itertools.count(1)

    def interrupted(*arguments: Any) -> Any:
        if next(drawn) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return draw(*arguments)

    monkeypatch.setattr(Lessons, "batch", interrupted)
    assert train.run(words("parts")) == train.INTERRUPTED
    assert "stopped after step 2; the same command goes on from it" in capsys.readouterr().err
    assert not (tmp_path / "parts" / "model.safetensors").exists()
    assert train.run(words("parts")) == 0
    assert "going on after step 2" in capsys.readouterr().err
    for name in ("model.safetensors", "config.json", "tokenizer.json"):
        files = [tmp_path / folder / name for folder in ("whole", "parts")]
        assert files[0].read_bytes() == files[1].read_bytes()


def test_a_model_without_a_record_of_its_training_is_not_scored(tmp_path: Path) -> None:
    arguments = parse("--evaluate", str(tmp_path))
    with pytest.raises(Unavailable, match=r"got no .*training\.json"):
        arguments.run(arguments)


def test_another_model_than_the_named_one_is_not_scored() -> None:
    arguments = parse("git-motion", "--evaluate", str(SHIPPED))
    with pytest.raises(InvalidInput, match="must be a git-motion, got a git-scenes"):
        arguments.run(arguments)


def test_a_broken_record_is_refused_with_its_name(tmp_path: Path) -> None:
    record = json.loads((SHIPPED / "training.json").read_text())
    for broken in ({**record, "model": "other"}, {"model": "git-scenes"}, []):
        (tmp_path / "training.json").write_text(json.dumps(broken))
        with pytest.raises(InvalidInput, match=r"training\.json must"):
            Training.read(tmp_path)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--steps", "-1"), r"--steps must be a whole number in \[0, "),
        (("git-other",), "invalid choice: 'git-other'"),
        (("--device", "tpu"), "invalid choice: 'tpu'"),
        (("--scenes", "many"), "--scenes must be"),
        (("--minutes", "-1"), "--minutes must be in"),
        (("--minutes", "nan"), "--minutes must be in"),
        (("--threads", "0"), "--threads must be"),
        (("--held-out", "0"), "--held-out must be"),
    ],
)
def test_an_argument_out_of_range_is_refused(words: tuple[str, ...], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        parse(*words)


def test_a_score_counts_no_more_than_there_is() -> None:
    assert Score(bits=4, correct=1, scenes=4, distortion=0.1).accuracy == 0.25
    with pytest.raises(InvalidInput, match=r"correct must be a whole number in \[0, 4\], got 5"):
        Score(bits=4, correct=5, scenes=4, distortion=0.1)


def test_the_clip_moves_without_leaving_what_the_model_knows() -> None:
    scenes = clip.clip_scenes(2, seed=0)
    shown = list(clip.frames(scenes, size=32))
    assert len(shown) == 2 * (clip.HELD_FRAMES + clip.FADE_FRAMES)
    still = [frame for frame in shown if frame.scene is not None]
    assert len(still) == 2 * clip.HELD_FRAMES
    for frame in still:
        assert frame.scene is not None
        assert abs(frame.scene.camera_x_m) <= 0.25
        assert captions(frame.scene) in {captions(scene) for scene in scenes}
    steps = [
        np.abs(first.image.astype(int) - second.image).mean()
        for first, second in itertools.pairwise(shown)
    ]
    assert min(steps[: clip.HELD_FRAMES - 1]) > 0


@pytest.fixture(scope="module")
def shipped() -> tuple[Head, Tail]:
    return models.open_head(SHIPPED), models.open_tail(SHIPPED)


@pytest.mark.slow
def test_the_shipped_model_is_right_at_full_width_and_fewer_bits_are_worse(
    shipped: tuple[Head, Tail],
) -> None:
    scores = list(score(*shipped, scenes=100, size=train.CAMERA_PX, widths=(16, 3, 2)))
    full, three, two = (result.accuracy for result in scores)
    assert full >= 0.85
    assert full > three > two
    assert two < 0.2


@pytest.mark.slow
def test_the_shipped_clip_is_captioned_right(shipped: tuple[Head, Tail]) -> None:
    import cv2

    head, tail = shipped
    head.use(head.prepare(16))
    video = cv2.VideoCapture(str(ROOT / "media" / "scenes.mp4"))
    right = []
    for scene in clip.clip_scenes(12, seed=clip.SEED):
        for step in range(clip.HELD_FRAMES + clip.FADE_FRAMES):
            good, image = video.read()
            assert good
            if step == clip.HELD_FRAMES // 2:
                text = tail.answer(head.embed(image[..., ::-1].copy()), "").text
                right.append(text in captions(scene))
    assert not video.read()[0]
    assert sum(right) >= 11


def test_the_shipped_model_is_small_and_says_how_it_was_made() -> None:
    assert (SHIPPED / "model.safetensors").stat().st_size <= 10_000_000
    assert (ROOT / "media" / "scenes.mp4").stat().st_size <= 1_000_000
    card = (SHIPPED / "README.md").read_text()
    assert "coinfer train" in card
    assert "held-out scenes" in card
