# SPDX-License-Identifier: Apache-2.0
"""Scenes hold to their rules, look as their captions say and come out the same twice."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import COLOURS, SHAPES, Scene, SceneObject, captions, random_scene
from coinfer_ros.sim.shapes import CONE_RADIUS, CUBE_HALF_SIDE, CYLINDER_RADIUS, SOLIDS

seeds = st.integers(0, 2**32 - 1)


def thing(**changes: object) -> SceneObject:
    values: dict[str, object] = {
        "shape": "cube",
        "colour": "red",
        "x_m": 0.0,
        "z_m": 0.0,
        "size_m": 0.4,
    }
    return SceneObject(**{**values, **changes})  # type: ignore[arg-type]


def draw(seed: int) -> Scene:
    return random_scene(np.random.default_rng(seed))


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_a_seed_draws_one_scene_and_one_image(seed: int) -> None:
    scene = draw(seed)
    assert scene == draw(seed)
    image = render(scene, 16)
    np.testing.assert_array_equal(image, render(scene, 16))
    assert image.shape == (16, 16, 3)
    assert image.dtype == np.uint8


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_every_caption_names_every_object(seed: int) -> None:
    scene = draw(seed)
    texts = captions(scene)
    assert len(set(texts)) == len(texts) >= 3
    for text in texts:
        assert all(item.name in text for item in scene.objects)


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_the_order_of_the_objects_changes_no_caption(seed: int) -> None:
    scene = draw(seed)
    turned = dataclasses.replace(scene, objects=scene.objects[::-1])
    assert captions(turned) == captions(scene)


@settings(max_examples=50, deadline=None)
@given(seeds)
def test_objects_of_a_drawn_scene_neither_touch_nor_look_alike(seed: int) -> None:
    scene = draw(seed)
    if len(scene.objects) == 2:
        left, right = sorted(scene.objects, key=lambda item: item.x_m)
        gap = math.hypot(right.x_m - left.x_m, right.z_m - left.z_m)
        # A cube's corner reaches √2 half sides from its axis, further than any other solid.
        reach = math.sqrt(2) * CUBE_HALF_SIDE
        assert gap > (left.size_m + right.size_m) * reach * 0.75
        assert left.name != right.name


def test_a_scene_with_one_object_says_where_it_stands() -> None:
    for x_m, where in ((-0.7, "on the left"), (0.1, "in the middle"), (0.7, "on the right")):
        scene = Scene((thing(x_m=x_m),))
        assert captions(scene) == (
            f"a red cube {where}",
            f"one red cube {where}",
            f"{where} stands a red cube",
        )


def test_a_scene_with_two_objects_says_which_is_left_of_which() -> None:
    scene = Scene((thing(x_m=0.6), thing(x_m=-0.6, shape="ball", colour="blue")))
    assert captions(scene) == (
        "a blue ball left of a red cube",
        "a red cube right of a blue ball",
        "a blue ball and a red cube",
        "a red cube and a blue ball",
    )


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("colour", COLOURS)
def test_an_object_shows_its_colour_where_it_stands(shape: str, colour: str) -> None:
    image = render(Scene((thing(shape=shape, colour=colour),)), 64).astype(float)
    empty = render(Scene((thing(shape=shape, colour=colour, x_m=3.0),)), 64).astype(float)
    seen = image[30:34, 30:34].mean(axis=(0, 1))
    assert np.abs(image - empty)[30:34, 30:34].mean() > 10
    paint = np.array(COLOURS[colour])
    assert seen.argmax() == paint.argmax() or np.ptp(paint) < 0.1
    assert np.abs(image - empty)[:10].max() <= 1, "the sky of the picture is far from the object"


def test_left_in_the_scene_is_left_in_the_image() -> None:
    left = render(Scene((thing(x_m=-0.7),)), 32).astype(int)
    right = render(Scene((thing(x_m=0.7),)), 32).astype(int)
    redness = [(image[..., 0] - image[..., 1]).clip(40) for image in (left, right)]
    assert redness[0][:, :16].sum() > redness[0][:, 16:].sum()
    assert redness[1][:, :16].sum() < redness[1][:, 16:].sum()


def test_a_larger_image_shows_the_same_thing() -> None:
    scene = dataclasses.replace(draw(5), noise=0.0)
    small, large = render(scene, 32).astype(float), render(scene, 128).astype(float)
    shrunk = large.reshape(32, 4, 32, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small).mean() < 2.0


def test_noise_is_as_strong_as_asked_and_seeded() -> None:
    calm = Scene((thing(),))
    noisy = dataclasses.replace(calm, noise=0.02, seed=3)
    difference = render(noisy, 64).astype(float) - render(calm, 64).astype(float)
    assert difference.std() == pytest.approx(0.02 * 255, rel=0.1)
    other = dataclasses.replace(noisy, seed=4)
    assert (render(other, 64) != render(noisy, 64)).any()


def test_an_object_casts_a_shadow_away_from_the_lamp() -> None:
    lamp_right = Scene((thing(),), lamp_azimuth_rad=1.2, lamp_elevation_rad=0.7)
    image = render(lamp_right, 64).astype(float).sum(axis=2)
    row = 40  # the floor beside the cube's foot
    assert image[row, 10:20].mean() < image[row, 44:54].mean() - 20


UNITS = np.random.default_rng(0).normal(size=(3, 400))
INSIDE = {
    "cube": lambda p: np.abs(p).max(axis=0) - CUBE_HALF_SIDE,
    "ball": lambda p: np.linalg.norm(p, axis=0) - 1.0,
    "cylinder": lambda p: np.maximum(np.hypot(p[0], p[2]) - CYLINDER_RADIUS, np.abs(p[1]) - 1),
    "cone": lambda p: np.maximum(
        np.hypot(p[0], p[2]) - CONE_RADIUS * (1 - p[1]) / 2, np.abs(p[1]) - 1
    ),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_a_ray_stops_at_the_first_point_of_the_solid(shape: str) -> None:
    rng = np.random.default_rng(1)
    origin = 4.0 * UNITS / np.linalg.norm(UNITS, axis=0)
    target = rng.uniform(-1.2, 1.2, origin.shape)
    direction = target - origin
    direction /= np.linalg.norm(direction, axis=0)
    distance = SOLIDS[shape].distance(origin.astype(np.float32), direction.astype(np.float32))
    along = np.linspace(0.0, 8.0, 4001)
    for ray in range(origin.shape[1]):
        points = origin[:, ray, None] + direction[:, ray, None] * along
        inside = INSIDE[shape](points) < -5e-3
        if np.isfinite(distance[ray]):
            met = origin[:, ray] + direction[:, ray] * distance[ray]
            assert abs(INSIDE[shape](met[:, None])[0]) < 2e-3
            assert not inside[along < distance[ray] - 1e-2].any()
        else:
            assert not inside.any()


@pytest.mark.parametrize("shape", SHAPES)
def test_normals_are_unit_vectors_that_look_at_where_the_ray_came_from(shape: str) -> None:
    origin = (4.0 * UNITS / np.linalg.norm(UNITS, axis=0)).astype(np.float32)
    direction = -origin / 4.0
    distance = SOLIDS[shape].distance(origin, direction)
    assert np.isfinite(distance).all(), "a ray to the centre of a convex solid meets it"
    normal = SOLIDS[shape].normal(origin + direction * distance)
    np.testing.assert_allclose(np.linalg.norm(normal, axis=0), 1.0, atol=1e-3)
    assert ((normal * direction).sum(axis=0) < 0).all()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"shape": "egg"}, "shape must be one of cube, ball, cylinder, cone, got 'egg'"),
        ({"colour": "beige"}, "colour must be one of red"),
        ({"x_m": math.nan}, "x_m must be in .* m, got nan"),
        ({"size_m": 0.0}, "size_m must be in"),
        ({"tone": 9.0}, "tone must be in"),
    ],
)
def test_an_impossible_object_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        thing(**changes)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"objects": ()}, "objects must be one object or two, got 0"),
        ({"objects": (thing(), thing(), thing())}, "got 3"),
        ({"floor": (0.1, 0.2, 1.2)}, "floor must be in"),
        ({"lamp_elevation_rad": 0.0}, "lamp_elevation_rad must be in"),
        ({"noise": math.inf}, "noise must be in"),
        ({"seed": -1}, "seed must be a whole number"),
    ],
)
def test_an_impossible_scene_is_refused(changes: dict[str, object], says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        Scene(**{"objects": (thing(),), **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [0, 7, 5000, 64.5, "64"])
def test_an_impossible_size_is_refused(size: object) -> None:
    with pytest.raises(InvalidInput, match="size must be a whole number in"):
        render(Scene((thing(),)), size)  # type: ignore[arg-type]
