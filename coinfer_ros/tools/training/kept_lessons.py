# SPDX-License-Identifier: Apache-2.0
"""Keeps rendered lessons on disk: rendering takes as long as training, which may be interrupted."""

from __future__ import annotations

import json
import os
import zipfile
from pathlib import Path

import cv2
import numpy as np

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.tools.training.lessons import Groups, Lessons

Settings = dict[str, int | str]
_LOSSLESS = (cv2.IMWRITE_WEBP_QUALITY, 101)


def keep(lessons: Lessons, seconds: float, settings: Settings, path: Path) -> None:
    """Write lessons to a file, whole or not at all.

    :param seconds: what drawing them took.
    :param settings: what they were drawn by, compared when they are read again.
    """
    shape = lessons.images.shape
    flat = lessons.images.reshape(shape[0], -1, *shape[-2:])  # the frames of a clip lie in a column
    files = [cv2.imencode(".webp", image, _LOSSLESS)[1] for image in flat]
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new.npz")
    np.savez_compressed(
        new,
        images=np.concatenate(files),
        ends=np.cumsum([len(file) for file in files]),
        shape=np.array(shape),
        seconds=np.array(seconds),
        texts=np.frombuffer(json.dumps(lessons.texts).encode(), np.uint8),
        settings=np.frombuffer(json.dumps(settings, sort_keys=True).encode(), np.uint8),
    )
    os.replace(new, path)


def read(
    settings: Settings, path: Path, views: tuple[tuple[int, ...], ...], noise: float
) -> tuple[Lessons, float] | None:
    """Return lessons that were kept and the seconds of drawing them.

    :returns: None where there are none of these settings.
    :raises InvalidInput: when the file is broken.
    """
    if not path.exists():
        return None
    try:
        with np.load(path) as kept:
            if json.loads(kept["settings"].tobytes()) != settings:
                return None
            shape, ends, seconds = kept["shape"], kept["ends"], float(kept["seconds"])
            files = np.split(kept["images"], ends[:-1])
            images = np.empty(shape, np.uint8)
            for image, file in zip(images, files, strict=True):
                image[:] = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR)).reshape(image.shape)
            texts = [_tuples(one) for one in json.loads(kept["texts"].tobytes())]
    except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
        raise InvalidInput(f"{path} must hold lessons as they were kept: {error!r}") from error
    return Lessons(images, texts, views, noise), seconds


def _tuples(views: list[list[list[list[str]]]]) -> tuple[Groups, ...]:
    return tuple(
        tuple(tuple((prompt, answer) for prompt, answer in group) for group in groups)
        for groups in views
    )
