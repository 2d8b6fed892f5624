# SPDX-License-Identifier: Apache-2.0
"""What a model is shown: images to time it with, and examples whose right answers are known."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from coinfer_ros import locate
from coinfer_ros.adapters.camera import decode_jpeg_or_png, is_live, open_camera
from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.tools.held_out import Example, motion_example, scene_example

Image = NDArray[np.uint8]

IMAGES = 16
_READ = 512  # a longer video than this is not read to its end
SCENE_PX = 256  # as a camera would show it, not at the model's own size
_TASKS = {"scenes": scene_example, "motion": motion_example}


def images(source: str) -> list[Image]:
    """Return up to 16 images that are spread evenly over a folder or video.

    :raises InvalidInput: when it is a live source, whose images differ each time, or has none.
    :raises Unavailable: when it is not there.
    """
    if is_live(source):
        raise InvalidInput(f"--images must be a folder or a video file, got {source!r}")
    camera = open_camera(locate.camera(source), loop=False)
    try:
        read: list[Image] = []
        while len(read) < _READ and (image := camera.read()) is not None:
            read.append(image)
    finally:
        camera.close()
    if not read:
        raise InvalidInput(f"--images must hold an image, got {source!r} with none")
    chosen = np.linspace(0, len(read) - 1, min(IMAGES, len(read))).round().astype(int)
    return [read[place] for place in chosen]


def examples(task: str, count: int) -> list[Example]:
    """Return up to ``count`` examples of a task.

    :param task: ``scenes`` or ``motion``, what the shipped models are scored on; ``none``; or a
        file of JSON lines, each with ``image``, a path beside the file, and ``references``, a list
        of right answers.
    :param count: how many at most.
    :raises Unavailable: when the file or an image is not there.
    :raises InvalidInput: naming the line that is none.
    """
    if task == "none":
        return []
    if task in _TASKS:
        return [_TASKS[task](index, SCENE_PX) for index in range(count)]
    try:
        lines = Path(task).read_text(encoding="utf-8").splitlines()[:count]
    except (OSError, UnicodeDecodeError) as error:
        raise Unavailable(
            f"--task must be none, scenes, motion or a file of JSON lines, got {task!r}: {error}"
        ) from error
    return [_example(Path(task), number, line) for number, line in enumerate(lines, 1)]


def _example(file: Path, number: int, line: str) -> Example:
    where = f"--task {file} line {number}"
    try:
        entry = json.loads(line)
        name, references = entry["image"], entry["references"]
        good = isinstance(name, str) and isinstance(references, list) and references
    except (ValueError, KeyError, TypeError):
        good = False
    if not good or not all(isinstance(one, str) and one.split() for one in references):
        raise InvalidInput(
            f"{where} must have image, a path, and references, a list of texts that are not empty"
        )
    path = file.parent / name
    if not path.is_file():
        raise Unavailable(f"{where} must name an image that is there, got {str(path)!r}")
    return Example(decode_jpeg_or_png(path.read_bytes()), tuple(references))
