# SPDX-License-Identifier: Apache-2.0
"""Renders the clip that stands in for a camera: ``python -m coinfer_ros.tools.clip``."""

from __future__ import annotations

import argparse
import dataclasses
import math
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.core import checks
from coinfer_ros.core.errors import Unavailable
from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import Scene, SceneObject, random_scene
from coinfer_ros.tools.scene_data import CLIP

RATE_HZ = 10.0
HELD_FRAMES, FADE_FRAMES = 20, 3
SEED = 23  # the first whose scenes show every shape and colour, and pairs more often than not
SWAY_M = 0.12  # the camera drifts this far to either side
TURN_RAD = 0.5  # and the objects turn this far while it does


@dataclasses.dataclass(frozen=True)
class Shown:
    """One frame of the clip.

    :param image: RGB (S, S, 3).
    :param scene: what it shows, none while one scene fades into the next.
    """

    image: NDArray[np.uint8]
    scene: Scene | None


def clip_scenes(count: int, *, seed: int) -> list[Scene]:
    """Draw the clip's scenes, from a stream of their own: no training run has seen them."""
    drawn = (random_scene(np.random.default_rng([CLIP, seed, index])) for index in range(count))
    # A video codec spends its bytes on sensor noise first.
    return [dataclasses.replace(scene, noise=0.0) for scene in drawn]


def frames(scenes: Sequence[Scene], *, size: int) -> Iterator[Shown]:
    """Yield the clip's frames: every scene held with a little motion, then a short fade.

    :param scenes: at least one; after the last the clip fades back to the first, so it loops.
    :param size: width and height, pixels.
    """
    for scene, following in zip(scenes, [*scenes[1:], scenes[0]], strict=True):
        moments = [_moment(scene, step / (HELD_FRAMES - 1)) for step in range(HELD_FRAMES)]
        for moment in moments:
            image = render(moment, size)
            yield Shown(image, moment)
        coming = render(_moment(following, 0.0), size)
        for step in range(1, FADE_FRAMES + 1):
            share = step / (FADE_FRAMES + 1)
            yield Shown(np.rint((1 - share) * image + share * coming).astype(np.uint8), None)


def write(path: Path, images: Iterator[NDArray[np.uint8]], *, size: int) -> int:
    """Write an MPEG-4 file, which OpenCV decodes wherever its wheel runs, and return its frames.

    :param images: RGB (S, S, 3) each.
    :raises Unavailable: when OpenCV cannot write there.
    """
    import cv2  # noqa: PLC0415  heavy, and only this function needs it

    codec = cv2.VideoWriter.fourcc(*"mp4v")
    writer = cv2.VideoWriter(str(path), codec, RATE_HZ, (size, size))
    if not writer.isOpened():
        raise Unavailable(f"out must be a place where OpenCV can write MPEG-4, got {path}")
    count = 0
    for image in images:
        writer.write(np.ascontiguousarray(image[..., ::-1]))
        count += 1
    writer.release()
    return count


def main(argv: Sequence[str] | None = None) -> int:
    """Render the clip and return the exit status.

    :param argv: arguments; the process's own when None.
    """
    parser = argparse.ArgumentParser(prog="clip", description="Render the demo clip.")
    parser.add_argument("--out", type=Path, default=Path("media/scenes.mp4"))
    parser.add_argument("--scenes", type=int, default=12)
    parser.add_argument("--size", type=int, default=320, help="width and height, pixels")
    parser.add_argument("--seed", type=int, default=SEED)
    arguments = parser.parse_args(argv)
    count = checks.whole("scenes", arguments.scenes, low=1, high=1000)
    size = checks.whole("size", arguments.size, low=16, high=4096)
    seed = checks.whole("seed", arguments.seed, low=0, high=2**32 - 1)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    shown = frames(clip_scenes(count, seed=seed), size=size)
    written = write(arguments.out, (frame.image for frame in shown), size=size)
    print(f"{arguments.out}: {written} frames, {arguments.out.stat().st_size} bytes")
    return 0


def _moment(scene: Scene, share: float) -> Scene:
    """Return a scene as it looks after a share of its time: camera and objects have moved."""
    wave = math.sin(2 * math.pi * share)
    return dataclasses.replace(
        scene,
        camera_x_m=float(np.clip(scene.camera_x_m + SWAY_M * wave, -0.25, 0.25)),
        objects=tuple(_turned(thing, TURN_RAD * share) for thing in scene.objects),
    )


def _turned(thing: SceneObject, angle_rad: float) -> SceneObject:
    return dataclasses.replace(thing, heading_rad=thing.heading_rad + angle_rad)


if __name__ == "__main__":
    sys.exit(main())
