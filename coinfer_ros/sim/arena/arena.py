# SPDX-License-Identifier: Apache-2.0
"""What an arena is: a room, things and walls on its floor, lamps, and a robot with a camera.

Axes as ROS has them (REP 103): x forward, y left, z up, angles counter-clockwise from x; the
middle of the room's floor is the origin.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.sim.scene import COLOURS, Rgb, check_rgb

# Of all messages and transforms, whichever simulator they come from.
ODOMETRY_FRAME, BODY_FRAME, CAMERA_FRAME = "odom", "base_footprint", "camera"
SHAPES = ("cube", "ball", "cylinder")
PATTERNS = ("plain", "checks", "boards", "speckles")
WALL_HEIGHT_M = 1.2
WALL_THICKNESS_M = 0.1
SKY_RGB: Rgb = (0.55, 0.62, 0.70)  # above the walls, linear
LEAST_SIDE_M, GREATEST_SIDE_M = 2.0, 30.0


@dataclass(frozen=True)
class Pose:
    """A place on the floor and a heading.

    :param heading_rad: counter-clockwise from x.
    :raises InvalidInput: naming the field, its rule and what came; so do all records here.
    """

    x_m: float
    y_m: float
    heading_rad: float = 0.0

    def __post_init__(self) -> None:
        for name in ("x_m", "y_m"):
            checks.number(name, getattr(self, name), low=-1e3, high=1e3, unit="m")
        checks.number("heading_rad", self.heading_rad, low=-1e3, high=1e3, unit="rad")


@dataclass(frozen=True)
class Thing:
    """One coloured object that stands on the floor and does not move.

    :param shape: one of :data:`SHAPES`; a cube's width is its height, as a cylinder's is.
    :param colour: one of ``scene.COLOURS``.
    :param size_m: half its height, m.
    :param tone: brightness of its paint, 1 as in the table.
    """

    shape: str
    colour: str
    at: Pose
    size_m: float = 0.18
    tone: float = 1.0

    def __post_init__(self) -> None:
        checks.one_of("shape", self.shape, SHAPES)
        checks.one_of("colour", self.colour, COLOURS)
        checks.number("size_m", self.size_m, low=0.05, high=0.5, unit="m")
        checks.number("tone", self.tone, low=0.3, high=1.2)

    @property
    def name(self) -> str:
        """What people call it: ``red cube``."""
        return f"{self.colour} {self.shape}"

    @property
    def label(self) -> str:
        """Its name as files and topics want it: ``red_cube``."""
        return f"{self.colour}_{self.shape}"

    @property
    def rgb(self) -> Rgb:
        """Linear RGB of its paint."""
        red, green, blue = (min(channel * self.tone, 1.0) for channel in COLOURS[self.colour])
        return red, green, blue

    @property
    def reach_m(self) -> float:
        """Radius of the circle on the floor that it stands within, m."""
        return self.size_m * (math.sqrt(2.0) if self.shape == "cube" else 1.0)


@dataclass(frozen=True)
class Wall:
    """A straight inner wall.

    :param at: its middle; its heading is the direction in which it runs.
    :param length_m: m.
    """

    at: Pose
    length_m: float

    def __post_init__(self) -> None:
        checks.number("length_m", self.length_m, low=0.1, high=2 * GREATEST_SIDE_M, unit="m")


@dataclass(frozen=True)
class Lamp:
    """A lamp at the ceiling that shines down.

    :param rgb: its light, 1 is full.
    """

    x_m: float
    y_m: float
    height_m: float = 2.6
    rgb: Rgb = (0.7, 0.7, 0.7)

    def __post_init__(self) -> None:
        for name in ("x_m", "y_m"):
            checks.number(name, getattr(self, name), low=-1e3, high=1e3, unit="m")
        checks.number("height_m", self.height_m, low=WALL_HEIGHT_M, high=20.0, unit="m")
        check_rgb("rgb", self.rgb)


@dataclass(frozen=True)
class Camera:
    """A pinhole camera on the robot, looking forward.

    :param forward_m: in front of the robot's middle, m.
    :param height_m: above the floor, m.
    :param pitch_rad: how far it looks down.
    :param fov_rad: horizontal field of view.
    :param width_px: pixels are square.
    """

    forward_m: float = 0.12
    height_m: float = 0.30
    pitch_rad: float = 0.10
    fov_rad: float = 1.2
    width_px: int = 224
    height_px: int = 224
    rate_hz: float = 15.0

    def __post_init__(self) -> None:
        checks.number("forward_m", self.forward_m, low=-0.5, high=0.5, unit="m")
        checks.number("height_m", self.height_m, low=0.05, high=2.0, unit="m")
        checks.number("pitch_rad", self.pitch_rad, low=-1.0, high=1.0, unit="rad")
        checks.number("fov_rad", self.fov_rad, low=0.2, high=2.6, unit="rad")
        checks.whole("width_px", self.width_px, low=16, high=4096)
        checks.whole("height_px", self.height_px, low=16, high=4096)
        checks.number("rate_hz", self.rate_hz, low=0.1, high=240.0, unit="Hz")

    @property
    def focal_px(self) -> float:
        """Focal length, pixels."""
        return 0.5 * self.width_px / math.tan(0.5 * self.fov_rad)

    @property
    def fov_vertical_rad(self) -> float:
        """Vertical field of view."""
        return 2.0 * math.atan(0.5 * self.height_px / self.focal_px)


@dataclass(frozen=True)
class Robot:
    """A robot on two driven wheels and a caster that slides.

    :param start: where it begins.
    :param radius_m: of its round body, m.
    :param height_m: of its body's top above the floor, m.
    :param wheel_radius_m: m.
    :param track_m: between the wheels' middles, m.
    :param mass_kg: all of it.
    """

    start: Pose = field(default_factory=lambda: Pose(0.0, 0.0))
    radius_m: float = 0.16
    height_m: float = 0.22
    wheel_radius_m: float = 0.05
    track_m: float = 0.26
    mass_kg: float = 5.0
    camera: Camera = field(default_factory=Camera)

    def __post_init__(self) -> None:
        checks.number("radius_m", self.radius_m, low=0.05, high=1.0, unit="m")
        checks.number("height_m", self.height_m, low=0.05, high=1.5, unit="m")
        checks.number("wheel_radius_m", self.wheel_radius_m, low=0.01, high=0.3, unit="m")
        checks.number("track_m", self.track_m, low=0.05, high=2.0, unit="m")
        checks.number("mass_kg", self.mass_kg, low=0.5, high=200.0, unit="kg")


@dataclass(frozen=True)
class Surface:
    """What a floor or the walls look like.

    :param rgb: linear RGB, the lighter of a pattern's tones.
    :param pattern: one of :data:`PATTERNS`.
    :param contrast: how much darker the darker tone is, 0 to 1.
    :param seed: draws boards and speckles.
    """

    rgb: Rgb = (0.45, 0.42, 0.38)
    pattern: str = "plain"
    contrast: float = 0.25
    seed: int = 0

    def __post_init__(self) -> None:
        check_rgb("rgb", self.rgb)
        checks.one_of("pattern", self.pattern, PATTERNS)
        checks.number("contrast", self.contrast, low=0.0, high=1.0)
        checks.whole("seed", self.seed, low=0, high=2**32 - 1)


@dataclass(frozen=True)
class Arena:
    """A room and all that is in it.

    :param name: of its world: letters, digits and underscores.
    :param length_m: along x, m.
    :param width_m: along y, m.
    :param walls: inner walls; four more stand around the room.
    :param lookouts: places from which, one after another, all of the floor can be seen; the
        straight ways between them are free.
    :param ambient: share of light that comes from everywhere.
    """

    name: str
    length_m: float
    width_m: float
    things: tuple[Thing, ...]
    robot: Robot = field(default_factory=Robot)
    walls: tuple[Wall, ...] = ()
    lamps: tuple[Lamp, ...] = (Lamp(0.0, 0.0),)
    lookouts: tuple[tuple[float, float], ...] = ((0.0, 0.0),)
    floor: Surface = field(default_factory=Surface)
    wall: Surface = field(default_factory=lambda: Surface((0.55, 0.56, 0.58)))
    ambient: float = 0.35

    def __post_init__(self) -> None:
        if not self.name.replace("_", "").isalnum() or not self.name.isascii():
            raise InvalidInput(
                f"name must be letters, digits and underscores, got {self.name[:64]!r}"
            )
        for name in ("length_m", "width_m"):
            side_m = getattr(self, name)
            checks.number(name, side_m, low=LEAST_SIDE_M, high=GREATEST_SIDE_M, unit="m")
        checks.number("ambient", self.ambient, low=0.0, high=1.0)
        if not self.lamps:
            raise InvalidInput("lamps must hold at least one, got none")
        names = [thing.name for thing in self.things]
        for name in names:
            if names.count(name) > 1:
                raise InvalidInput(f"things must differ in colour or shape, got two of {name!r}")
        for thing in self.things:
            self._check_inside(thing.name, thing.at, thing.reach_m)
        self._check_inside("the robot", self.robot.start, self.robot.radius_m)

    def every_wall(self) -> Iterator[tuple[str, Wall]]:
        """Yield every wall with its name: ``wall_0`` to ``wall_3`` stand around the floor."""
        x_m, y_m = (0.5 * (side_m + WALL_THICKNESS_M) for side_m in (self.length_m, self.width_m))
        along_x, along_y = self.length_m + 2 * WALL_THICKNESS_M, self.width_m
        around = (
            Wall(Pose(0.0, y_m), along_x),
            Wall(Pose(0.0, -y_m), along_x),
            Wall(Pose(x_m, 0.0, math.pi / 2), along_y),
            Wall(Pose(-x_m, 0.0, math.pi / 2), along_y),
        )
        for number, wall in enumerate((*around, *self.walls)):
            yield f"wall_{number}", wall

    def thing(self, name: str) -> Thing:
        """Return a thing by its name.

        :raises InvalidInput: when it is not here, with what is.
        """
        for thing in self.things:
            if thing.name == name:
                return thing
        known = ", ".join(thing.name for thing in self.things)
        raise InvalidInput(f"the object must be one of {known}, got {name[:64]!r}")

    def _check_inside(self, what: str, at: Pose, reach_m: float) -> None:
        for axis, place_m, side_m in (
            ("x_m", at.x_m, self.length_m),
            ("y_m", at.y_m, self.width_m),
        ):
            if abs(place_m) + reach_m > side_m / 2:
                raise InvalidInput(
                    f"{what} must stand inside the room, {side_m:g} m along {axis[0]}, "
                    f"got {axis} = {place_m:g} m"
                )
