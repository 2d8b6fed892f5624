# SPDX-License-Identifier: Apache-2.0
"""Lessons show each view of an image with what is right to say of that view."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from coinfer_ros.tools import clip, held_out, scene_data
from coinfer_ros.tools.training import lessons
from coinfer_ros.tools.training.lessons import Lessons, draw_all
from coinfer_ros.tools.training.recipes import RECIPES

COUNT = 12


def drawn(name: str) -> Lessons:
    recipe = RECIPES[name]
    each = (recipe.lesson(index, seed=0, size=16) for index in range(COUNT))
    return Lessons.gather(each, COUNT, recipe.views)


@pytest.fixture(scope="module")
def scenes() -> Lessons:
    return drawn("git-scenes")


def views_of(taught: Lessons) -> dict[bytes, list[str]]:
    """Return what is right to say of every view of every lesson, by its pixels."""
    found = {}
    for image, texts in zip(taught.images, taught.texts, strict=True):
        for axes, groups in zip(taught.views, texts, strict=True):
            pairs = [pair for group in groups for pair in group]
            found[np.flip(image, axes).tobytes()] = pairs
    return found


@pytest.mark.parametrize("name", RECIPES)
def test_every_image_of_a_batch_is_a_view_and_its_text_is_right(name: str) -> None:
    taught = drawn(name)
    right, rng = views_of(taught), np.random.default_rng(0)
    assert len(right) == COUNT * len(taught.views)
    seen = set()
    for _ in range(8):
        for image, *pair in zip(*taught.batch(16, rng), strict=True):
            assert tuple(pair) in right[image.tobytes()]
            seen.add(image.tobytes())
    # 128 draws of 24 or 48 views: even of 48, 93 in 100 are drawn once or more on average.
    assert len(seen) > 0.7 * len(right)


def test_a_batch_leaves_the_lessons_as_they_are(scenes: Lessons) -> None:
    before = scenes.images.copy()
    scenes.batch(32, np.random.default_rng(1))
    np.testing.assert_array_equal(scenes.images, before)


def test_half_of_what_a_blip2_learns_is_captions() -> None:
    taught, rng = drawn("blip2-scenes"), np.random.default_rng(0)
    prompts = [prompt for _ in range(10) for prompt in taught.batch(40, rng)[1]]
    share = prompts.count("") / len(prompts)
    assert abs(share - 0.5) < 5 * 0.5 / np.sqrt(len(prompts))  # five standard deviations
    assert all(text.startswith("Question: ") for text in prompts if text)


def test_a_mirror_image_swaps_left_and_right_only(scenes: Lessons) -> None:
    swap = {"left": "right", "right": "left"}
    for texts in scenes.texts:
        mirrored, plain = ([answer for _, answer in groups[0]] for groups in texts)
        swapped = {" ".join(swap.get(word, word) for word in text.split()) for text in plain}
        assert swapped == set(mirrored)


def test_the_vocabulary_holds_every_text(scenes: Lessons) -> None:
    texts = set(scenes.every_text())
    assert {answer for views in scenes.texts for g in views for _, answer in g[0]} <= texts


def test_lessons_drawn_in_parallel_come_in_order() -> None:
    several = draw_all(lessons.captions_lesson, 20, seed=0, size=8, workers=2)
    alone = (lessons.captions_lesson(index, seed=0, size=8) for index in range(20))
    for one, other in zip(several, alone, strict=True):
        np.testing.assert_array_equal(one.image, other.image)
        assert one.texts == other.texts


def test_what_is_held_out_is_not_trained_on() -> None:
    trained = {scene_data.training_scene(i, seed=0).seed for i in range(500)}
    held = {scene_data.held_out_scene(i).seed for i in range(500)}
    clips = {scene.seed for scene in clip.clip_scenes(50, seed=0)}
    moving = {scene_data.training_motion(i, seed=0).scene.seed for i in range(100)}
    held_moving = {scene_data.held_out_motion(i).scene.seed for i in range(100)}
    for one, other in itertools.combinations((trained, held, clips, moving, held_moving), 2):
        assert not one & other


def test_an_examination_asks_every_kind_of_question() -> None:
    asked = [held_out.asked_example(index, 8).questions for index in range(60)]
    assert all(len(questions) == 1 for questions in asked)
    kinds = {" ".join(q[0][0].split()[1:3]) for q in asked}
    assert kinds == {"how many", "what colour", "what shape", "what is", "where is"}


def test_a_clip_is_examined_with_as_many_frames_as_it_was_taught_with() -> None:
    example = held_out.motion_example(0, 8)
    assert example.image.shape == (lessons.FRAMES, 8, 8, 3)
    assert example.captions[0].startswith(("the ", "nothing "))
