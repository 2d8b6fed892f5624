# SPDX-License-Identifier: Apache-2.0
"""``coinfer train`` makes a model that loads, scores it, and the shipped one is as good as told."""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
import pytest

from coinfer_ros.adapters.git import GitHead, GitTail
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.sim.scene import captions
from coinfer_ros.tools import clip, scene_data, train
from coinfer_ros.tools.arguments import Parser
from coinfer_ros.tools.scoring import Score, score

ROOT = Path(__file__).parents[2]
SHIPPED = ROOT / "models" / "git-scenes"


def parse(*words: str) -> argparse.Namespace:
    parser = Parser(prog="coinfer")
    train.add_parser(parser.add_subparsers())
    return parser.parse_args(["train", *words])


@pytest.fixture(scope="module")
def rendered() -> scene_data.Rendered:
    drawn = scene_data.render_training(64, seed=0, size=32, workers=1)
    return scene_data.gather(drawn, 64, 32)


@pytest.mark.slow
def test_a_short_training_writes_a_checkpoint_that_both_halves_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "model"
    short = ("--scenes", "32", "--steps", "2", "--held-out", "2")
    arguments = parse("--out", str(out), *short)
    assert arguments.run(arguments) == 0
    assert GitHead.load(out).info == GitTail.load(out).info
    card = (out / "README.md").read_text()
    assert card.startswith("---\nlicense: apache-2.0")
    assert "2 steps of 64" in card
    for bits in WEIGHT_BITS:
        assert f"\n| {bits} | " in card
    again = parse("--evaluate", str(out), "--held-out", "2")
    capsys.readouterr()
    assert again.run(again) == 0
    assert "right captions" in capsys.readouterr().out


@pytest.mark.slow
def test_the_same_seed_trains_the_same_model(tmp_path: Path) -> None:
    weights = []
    for name in ("first", "second"):
        short = ("--scenes", "32", "--steps", "2", "--held-out", "1", "--seed", "5")
        arguments = parse("--out", str(tmp_path / name), *short)
        arguments.run(arguments)
        weights.append((tmp_path / name / "model.safetensors").read_bytes())
    assert weights[0] == weights[1]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--steps", "0"), r"--steps must be a whole number in \[1, "),
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


def test_half_the_batch_is_mirrored_and_every_caption_is_right(
    rendered: scene_data.Rendered,
) -> None:
    originals = {image.tobytes(): i for i, image in enumerate(rendered.images)}
    mirrors = {image[:, ::-1].tobytes(): i for i, image in enumerate(rendered.images)}
    counts = {"as it is": 0, "mirrored": 0}
    batches = scene_data.batches(rendered, 16, np.random.default_rng(0))
    for images, texts in itertools.islice(batches, 8):
        for image, text in zip(images, texts, strict=True):
            if image.tobytes() in originals:
                counts["as it is"] += 1
                assert text in rendered.references[originals[image.tobytes()]]
            else:
                counts["mirrored"] += 1
                assert text in rendered.mirrored[mirrors[image.tobytes()]]
    assert min(counts.values()) > 128 * 0.3


def test_a_mirror_image_swaps_left_and_right_only(rendered: scene_data.Rendered) -> None:
    swap = {"left": "right", "right": "left"}
    for right, mirrored in zip(rendered.references, rendered.mirrored, strict=True):
        swapped = {" ".join(swap.get(word, word) for word in text.split()) for text in right}
        assert swapped == set(mirrored)


def test_held_out_scenes_are_not_trained_on() -> None:
    trained = {scene_data.training_scene(i, seed=0).seed for i in range(500)}
    held_out = {scene_data.held_out_scene(i).seed for i in range(500)}
    clips = {scene.seed for scene in clip.clip_scenes(50, seed=0)}
    assert not trained & held_out
    assert not (trained | held_out) & clips


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
def shipped() -> tuple[GitHead, GitTail]:
    return GitHead.load(SHIPPED), GitTail.load(SHIPPED)


@pytest.mark.slow
def test_the_shipped_model_is_right_at_full_width_and_fewer_bits_are_worse(
    shipped: tuple[GitHead, GitTail],
) -> None:
    scores = list(score(*shipped, scenes=100, size=train.CAMERA_PX, widths=(16, 3, 2)))
    full, three, two = (result.accuracy for result in scores)
    assert full >= 0.85
    assert full > three > two
    assert two < 0.2


@pytest.mark.slow
def test_the_shipped_clip_is_captioned_right(shipped: tuple[GitHead, GitTail]) -> None:
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
