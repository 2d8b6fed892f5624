# SPDX-License-Identifier: Apache-2.0
"""Every question about a scene has one right answer, and none is asked that has two."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.sim.questions import questions
from coinfer_ros.sim.scene import Scene, SceneObject, random_scene


def pair(first: tuple[str, str], second: tuple[str, str]) -> Scene:
    left = SceneObject(first[1], first[0], -0.6, 0.0, 0.4)
    right = SceneObject(second[1], second[0], 0.6, 0.0, 0.4)
    return Scene((right, left))


def asked(scene: Scene) -> dict[str, str]:
    return {q.removeprefix("Question: ").removesuffix("? Answer:"): a for q, a in questions(scene)}


def test_a_pair_is_asked_about_by_side_colour_and_shape() -> None:
    assert asked(pair(("red", "cube"), ("blue", "ball"))) == {
        "how many objects are there": "two",
        "what colour is the cube": "red",
        "what shape is the red object": "cube",
        "what colour is the ball": "blue",
        "what shape is the blue object": "ball",
        "where is the red cube": "on the left",
        "where is the blue ball": "on the right",
        "what is left of the blue ball": "a red cube",
        "what is right of the red cube": "a blue ball",
    }


def test_where_an_object_is_is_asked_only_where_nobody_would_dispute_it() -> None:
    for x_m, place in ((-0.7, "on the left"), (0.1, "in the middle"), (0.55, "on the right")):
        lone = Scene((SceneObject("cube", "red", x_m, 0.0, 0.4),))
        assert asked(lone)["where is the red cube"] == place
    between = Scene((SceneObject("cube", "red", 0.4, 0.0, 0.4),))
    assert not any(question.startswith("where") for question in asked(between))


def test_what_two_objects_share_is_not_asked_by() -> None:
    same_colour = asked(pair(("red", "cube"), ("red", "ball")))
    assert not any("shape" in question for question in same_colour)
    same_shape = asked(pair(("red", "cube"), ("blue", "cube")))
    assert not any("colour" in question for question in same_shape)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_question_is_asked_twice(seed: int) -> None:
    found = questions(random_scene(np.random.default_rng(seed)))
    assert len({question for question, _ in found}) == len(found) >= 3
