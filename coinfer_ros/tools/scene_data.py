# SPDX-License-Identifier: Apache-2.0
"""Rendered scenes to learn from and to be scored on: never the same ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import Scene, captions, random_scene

# The first number of every seed: streams that cannot meet.
TRAINING, HELD_OUT, CLIP = 0, 1, 2


@dataclass(frozen=True)
class Rendered:
    """Scenes as the model sees them.

    :param images: RGB (N, S, S, 3).
    :param references: the captions that are right, one tuple a scene.
    :param mirrored: those of the mirror image.
    """

    images: NDArray[np.uint8]
    references: Sequence[tuple[str, ...]]
    mirrored: Sequence[tuple[str, ...]]


def training_scene(index: int, *, seed: int) -> Scene:
    """Return a scene of the training stream."""
    return random_scene(np.random.default_rng([TRAINING, seed, index]))


def held_out_scene(index: int) -> Scene:
    """Return a scene that no training run has seen, the same for all of them."""
    return random_scene(np.random.default_rng([HELD_OUT, index]))


def render_training(count: int, *, seed: int, size: int, workers: int) -> Iterator[Any]:
    """Draw training scenes in parallel, in order.

    :returns: an iterator over image, references and the mirror image's references.
    """
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(partial(_draw, seed=seed, size=size), range(count), chunksize=64)


def gather(drawn: Iterator[Any], count: int, size: int) -> Rendered:
    """Collect drawn scenes into arrays.

    :param drawn: from :func:`render_training`.
    """
    images = np.empty((count, size, size, 3), np.uint8)
    references, mirrored = [], []
    for index, (image, captions_, mirrored_) in enumerate(drawn):
        images[index] = image
        references.append(captions_)
        mirrored.append(mirrored_)
    return Rendered(images, references, mirrored)


def words(rendered: Rendered) -> set[str]:
    """Return every word of the captions."""
    both = (*rendered.references, *rendered.mirrored)
    return {word for texts in both for text in texts for word in text.split()}


def batches(
    rendered: Rendered, size: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.uint8], list[str]]]:
    """Yield random batches without end: half the images mirrored, a reference at random each.

    :param size: images a batch.
    """
    while True:
        chosen = rng.integers(len(rendered.images), size=size)
        mirror = rng.random(size) < 0.5
        images = rendered.images[chosen]
        images[mirror] = images[mirror, :, ::-1]
        texts = []
        for index, flip in zip(chosen, mirror, strict=True):
            right = rendered.mirrored[index] if flip else rendered.references[index]
            texts.append(right[rng.integers(len(right))])
        yield images, texts


def _draw(
    index: int, *, seed: int, size: int
) -> tuple[NDArray[np.uint8], tuple[str, ...], tuple[str, ...]]:
    scene = training_scene(index, seed=seed)
    return render(scene, size), captions(scene), captions(_mirror(scene))


def _mirror(scene: Scene) -> Scene:
    objects = tuple(dataclasses.replace(thing, x_m=-thing.x_m) for thing in scene.objects)
    return dataclasses.replace(scene, objects=objects)
