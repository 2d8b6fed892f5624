# SPDX-License-Identifier: Apache-2.0
"""Lessons in rooms say truly where things are, and are kept as they were drawn."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("mujoco", reason="mujoco is not here: pip install 'coinfer_ros[simulation]'")

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.task.question import NOT_SEEN, read_answer
from coinfer_ros.tools import held_out, scene_data
from coinfer_ros.tools.training import kept_lessons, room_lessons
from coinfer_ros.tools.training.lessons import PLAIN, SCENE_VIEWS, Lesson, Lessons
from coinfer_ros.tools.training.recipes import RECIPES

SIZE = 32
SWAP = {"left": "right", "right": "left"}
SETTINGS = {"model": "blip2-rooms", "seed": 0, "lessons": 24, "size": SIZE}


@pytest.fixture(scope="module")
def views() -> list[Lesson]:
    """A room seen from as many places as are drawn of one."""
    return [room_lessons.rooms_lesson(i, seed=0, size=SIZE) for i in range(24)]


def said(lesson: Lesson) -> dict[str, str]:
    return {
        prompt: answer
        for group in lesson.texts[SCENE_VIEWS.index(PLAIN)]
        for prompt, answer in group
        if prompt
    }


def test_every_answer_is_one_that_the_policy_reads(views: list[Lesson]) -> None:
    answers = {answer for lesson in views for answer in said(lesson).values()}
    assert NOT_SEEN in answers
    assert len(answers) > 3
    assert all(read_answer(answer) is not None for answer in answers)


def test_a_mirrored_view_swaps_left_and_right_only(views: list[Lesson]) -> None:
    for lesson in views:
        mirrored, plain = (sum(groups, ()) for groups in lesson.texts)
        for (question, here), (asked, there) in zip(plain, mirrored, strict=True):
            assert question == asked
            assert " ".join(SWAP.get(word, word) for word in here.split()) == there


def test_one_of_three_runs_is_of_scenes_on_a_table_without_noise() -> None:
    run = room_lessons.ROOMS_OF_THREE * room_lessons.VIEWS_A_ROOM
    lesson = room_lessons.rooms_lesson(run, seed=0, size=SIZE)
    assert lesson.texts[0][0][0][0] == ""
    again = room_lessons.rooms_lesson(run, seed=0, size=SIZE)
    np.testing.assert_array_equal(lesson.image, again.image)


def test_a_room_is_drawn_the_same_again_after_another(views: list[Lesson]) -> None:
    room_lessons.rooms_lesson(100, seed=0, size=SIZE)
    again = room_lessons.rooms_lesson(5, seed=0, size=SIZE)
    np.testing.assert_array_equal(again.image, views[5].image)
    assert again.texts == views[5].texts


def test_held_out_rooms_are_other_rooms_and_ask_for_what_is_there_and_what_is_not() -> None:
    examples = [held_out.room_example(index, SIZE) for index in range(24)]
    assert {len(example.questions) for example in examples[::2]} == {1}
    assert {len(example.captions) > 0 for example in examples[1::2]} == {True}
    answers = [example.questions[0][1] for example in examples[::2]]
    assert 0 < answers.count(NOT_SEEN) < len(answers)
    assert scene_data.HELD_OUT_ROOM != scene_data.TRAINING_ROOM


def test_kept_lessons_are_read_as_they_were_drawn(views: list[Lesson], tmp_path: Path) -> None:
    path, recipe = tmp_path / "folder" / "lessons.npz", RECIPES["blip2-rooms"]
    assert kept_lessons.read(SETTINGS, path, recipe.views, recipe.noise) is None
    drawn = Lessons.gather(views, len(views), recipe.views, recipe.noise)
    kept_lessons.keep(drawn, 12.5, SETTINGS, path)
    kept = kept_lessons.read(SETTINGS, path, recipe.views, recipe.noise)
    assert kept is not None
    read, seconds = kept
    assert seconds == 12.5
    np.testing.assert_array_equal(read.images, drawn.images)
    assert dataclasses.replace(read, images=drawn.images) == drawn
    assert kept_lessons.read({**SETTINGS, "seed": 1}, path, recipe.views, 0.0) is None
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(InvalidInput, match=r"lessons\.npz must hold lessons as they were kept"):
        kept_lessons.read(SETTINGS, path, recipe.views, 0.0)


def test_clips_are_kept_too(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    clips = Lessons(
        rng.integers(0, 256, (3, 4, 8, 8, 3), np.uint8),
        [((((("", "nothing moved"),)),),)] * 3,
        ((), (-2,)),
    )
    kept_lessons.keep(clips, 1.0, SETTINGS, tmp_path / "lessons.npz")
    read = kept_lessons.read(SETTINGS, tmp_path / "lessons.npz", ((), (-2,)), 0.0)
    assert read is not None
    np.testing.assert_array_equal(read[0].images, clips.images)


def test_a_batch_has_noise_of_its_own_up_to_the_recipes(views: list[Lesson]) -> None:
    quiet, noisy = (Lessons.gather(views, len(views), ((),), noise) for noise in (0.0, 0.05))
    plain, _, _ = quiet.batch(64, np.random.default_rng(0))
    spoilt, _, _ = noisy.batch(64, np.random.default_rng(0))
    strength = np.std(spoilt.astype(float) - plain, axis=(1, 2, 3)) / 255.0
    assert strength.max() < 0.055  # 3072 values tell a deviation to 1.3 %
    assert strength.min() < 0.01 < strength.max()
