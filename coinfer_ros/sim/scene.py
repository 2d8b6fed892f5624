# SPDX-License-Identifier: Apache-2.0
"""Scenes of one or two coloured objects on a floor, and the captions that are true of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput

SHAPES = ("cube", "ball", "cylinder", "cone")
# Linear RGB. The hues are far apart: a warm lamp must not turn one name into another.
COLOURS: dict[str, tuple[float, float, float]] = {
    "red": (0.75, 0.05, 0.04),
    "yellow": (0.85, 0.62, 0.04),
    "green": (0.06, 0.45, 0.08),
    "blue": (0.04, 0.13, 0.70),
    "purple": (0.33, 0.05, 0.45),
    "white": (0.82, 0.82, 0.80),
}
SIDE_M = 0.55  # a lone object beyond this stands left or right ...
MIDDLE_M = 0.2  # ... and within this in the middle; none is drawn between the two
PAIR_GAP_M = 0.85  # least sideways distance that makes "left of" plain to see

Rgb = tuple[float, float, float]


def check_rgb(name: str, value: Rgb) -> None:
    """Refuse channels outside [0, 1].

    :raises InvalidInput: naming ``name`` and what came.
    """
    for channel in value:
        checks.number(name, channel, low=0.0, high=1.0)


@dataclass(frozen=True)
class SceneObject:
    """One object that stands on the floor.

    :param shape: one of :data:`SHAPES`.
    :param colour: one of :data:`COLOURS`.
    :param x_m: place to the right of the middle, m.
    :param z_m: place behind the middle, m.
    :param size_m: half its height, m.
    :param heading_rad: turn about the vertical, rad.
    :param tone: brightness of its paint, 1 as in the table.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    shape: str
    colour: str
    x_m: float
    z_m: float
    size_m: float
    heading_rad: float = 0.0
    tone: float = 1.0

    def __post_init__(self) -> None:
        checks.one_of("shape", self.shape, SHAPES)
        checks.one_of("colour", self.colour, COLOURS)
        checks.number("x_m", self.x_m, low=-3.0, high=3.0, unit="m")
        checks.number("z_m", self.z_m, low=-1.5, high=1.5, unit="m")
        checks.number("size_m", self.size_m, low=0.1, high=1.0, unit="m")
        checks.number("heading_rad", self.heading_rad, low=-10.0, high=10.0, unit="rad")
        checks.number("tone", self.tone, low=0.3, high=1.2)

    @property
    def name(self) -> str:
        """What people call it: ``red cube``."""
        return f"{self.colour} {self.shape}"


@dataclass(frozen=True)
class Scene:
    """One or two objects, the room, the lamp and the camera.

    :param objects: one object or two, in any order.
    :param floor: linear RGB of the floor.
    :param wall: linear RGB of the wall.
    :param lamp: linear RGB of the lamp's light.
    :param lamp_azimuth_rad: where the lamp hangs, 0 behind the camera, positive to the right.
    :param lamp_elevation_rad: its height as an angle.
    :param ambient: share of light that comes from everywhere.
    :param camera_x_m: sideways place of the camera, m.
    :param camera_height_m: height of the camera, m.
    :param noise: standard deviation of the sensor noise, 1 is full scale.
    :param seed: draws that noise.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    objects: tuple[SceneObject, ...]
    floor: Rgb = (0.42, 0.38, 0.34)
    wall: Rgb = (0.50, 0.52, 0.55)
    lamp: Rgb = (1.0, 1.0, 1.0)
    lamp_azimuth_rad: float = 0.6
    lamp_elevation_rad: float = 0.9
    ambient: float = 0.35
    camera_x_m: float = 0.0
    camera_height_m: float = 1.7
    noise: float = 0.0
    seed: int = 0

    def __post_init__(self) -> None:
        if len(self.objects) not in (1, 2):
            raise InvalidInput(f"objects must be one object or two, got {len(self.objects)}")
        for name in ("floor", "wall", "lamp"):
            check_rgb(name, getattr(self, name))
        checks.number("lamp_azimuth_rad", self.lamp_azimuth_rad, low=-math.pi, high=math.pi)
        checks.number("lamp_elevation_rad", self.lamp_elevation_rad, low=0.3, high=math.pi / 2)
        checks.number("ambient", self.ambient, low=0.0, high=1.0)
        checks.number("camera_x_m", self.camera_x_m, low=-1.0, high=1.0, unit="m")
        checks.number("camera_height_m", self.camera_height_m, low=0.8, high=3.0, unit="m")
        checks.number("noise", self.noise, low=0.0, high=0.1)
        checks.whole("seed", self.seed, low=0, high=2**32 - 1)


def random_scene(rng: np.random.Generator) -> Scene:
    """Draw a scene whose captions nobody would dispute: what is beside what is plain to see.

    :param rng: source of every choice.
    """
    tint = rng.uniform(0.9, 1.0, 3)
    return Scene(
        objects=_random_pair(rng) if rng.random() < 0.6 else (_random_single(rng),),
        floor=_grey(rng, 0.22, 0.55),
        wall=_grey(rng, 0.28, 0.65),
        lamp=(float(tint[0]), float(tint[1]), float(tint[2])),
        lamp_azimuth_rad=float(rng.uniform(-1.3, 1.3)),
        lamp_elevation_rad=float(rng.uniform(0.65, 1.25)),
        ambient=float(rng.uniform(0.28, 0.42)),
        camera_x_m=float(rng.uniform(-0.25, 0.25)),
        camera_height_m=float(rng.uniform(1.4, 2.1)),
        noise=float(rng.uniform(0.0, 0.02)),
        seed=int(rng.integers(2**32)),
    )


def captions(scene: Scene) -> tuple[str, ...]:
    """Return the captions that are right for a scene.

    >>> left = SceneObject("cube", "red", -0.6, 0.0, 0.4)
    >>> right = SceneObject("ball", "blue", 0.6, 0.0, 0.4)
    >>> captions(Scene((right, left)))[0]
    'a red cube left of a blue ball'
    >>> captions(Scene((left,)))
    ('a red cube on the left', 'one red cube on the left', 'on the left stands a red cube')
    """
    if len(scene.objects) == 1:
        name, where = scene.objects[0].name, _where(scene.objects[0].x_m)
        return (f"a {name} {where}", f"one {name} {where}", f"{where} stands a {name}")
    left, right = (thing.name for thing in sorted(scene.objects, key=lambda thing: thing.x_m))
    return (
        f"a {left} left of a {right}",
        f"a {right} right of a {left}",
        f"a {left} and a {right}",
        f"a {right} and a {left}",
    )


def _where(x_m: float) -> str:
    edge = (SIDE_M + MIDDLE_M) / 2
    if abs(x_m) < edge:
        return "in the middle"
    return "on the left" if x_m < 0 else "on the right"


def _grey(rng: np.random.Generator, low: float, high: float) -> Rgb:
    """Draw a slightly tinted grey in linear RGB."""
    r, g, b = rng.uniform(low, high) * rng.uniform(0.85, 1.15, 3)
    return float(r), float(g), float(b)


def _random_object(
    rng: np.random.Generator, x_m: float, kind: tuple[str, str], largest_m: float
) -> SceneObject:
    return SceneObject(
        shape=kind[0],
        colour=kind[1],
        x_m=x_m,
        z_m=float(rng.uniform(-0.6, 0.6)),
        size_m=float(rng.uniform(0.34, largest_m)),
        heading_rad=float(rng.uniform(0.0, 2 * math.pi)),
        tone=float(rng.uniform(0.75, 1.1)),
    )


def _random_single(rng: np.random.Generator) -> SceneObject:
    side = int(rng.integers(-1, 2))
    place = rng.uniform(-MIDDLE_M, MIDDLE_M) if side == 0 else side * rng.uniform(SIDE_M, 0.9)
    kind = str(rng.choice(SHAPES)), str(rng.choice(list(COLOURS)))
    return _random_object(rng, float(place), kind, 0.58)


def _random_pair(rng: np.random.Generator) -> tuple[SceneObject, SceneObject]:
    """Draw two objects that differ in colour or shape, side by side in either order."""
    kinds = [(shape, colour) for shape in SHAPES for colour in COLOURS]
    first, second = (kinds[i] for i in rng.choice(len(kinds), 2, replace=False))
    gap, middle = rng.uniform(PAIR_GAP_M, 1.6), rng.uniform(-0.25, 0.25)
    return (
        _random_object(rng, float(middle - gap / 2), first, 0.46),
        _random_object(rng, float(middle + gap / 2), second, 0.46),
    )
