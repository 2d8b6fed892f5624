# SPDX-License-Identifier: Apache-2.0
"""What a model learns from: rendered images with every text that is right for each view of them."""

from __future__ import annotations

import dataclasses
import multiprocessing
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.sim import motion
from coinfer_ros.sim.questions import questions
from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import Scene, captions
from coinfer_ros.tools.scene_data import training_motion, training_scene
from coinfer_ros.tools.training.interrupts import ignore_interrupts

FRAMES = 4  # of a clip
DRAWN_TOGETHER = 24  # lessons that one process draws, one after another
Images = NDArray[np.uint8]
Pair = tuple[str, str]  # a prompt, empty for a caption, and a right answer
Groups = tuple[tuple[Pair, ...], ...]  # as likely each, whatever their sizes
# The axes of an image (S, S, 3) or a clip (F, S, S, 3) that each view flips.
MIRRORED, PLAIN, BACKWARDS = (-2,), (), (-4,)
SCENE_VIEWS = (MIRRORED, PLAIN)
MOTION_VIEWS = (MIRRORED, PLAIN, BACKWARDS, MIRRORED + BACKWARDS)


class Lesson(NamedTuple):
    """One image or clip, and what is right to say of each view."""

    image: Images
    texts: tuple[Groups, ...]


def captions_lesson(index: int, *, seed: int, size: int) -> Lesson:
    """Draw a scene with its captions."""
    scene = training_scene(index, seed=seed)
    return Lesson(render(scene, size), ((_captions(_mirror(scene)),), (_captions(scene),)))


def questions_lesson(index: int, *, seed: int, size: int) -> Lesson:
    """Draw a scene with its captions and the questions that it answers."""
    return scene_with_questions(training_scene(index, seed=seed), size)


def scene_with_questions(scene: Scene, size: int) -> Lesson:
    """Draw a given scene with its captions and the questions that it answers."""
    both = (_mirror(scene), scene)
    return Lesson(render(scene, size), tuple((_captions(s), questions(s)) for s in both))


def motion_lesson(index: int, *, seed: int, size: int) -> Lesson:
    """Draw a clip with its captions."""
    shown = training_motion(index, seed=seed)
    mirrored = motion.mirrored(shown)
    views = (mirrored, shown, motion.backwards(shown), motion.backwards(mirrored))
    texts = tuple((tuple(("", text) for text in motion.captions(view)),) for view in views)
    return Lesson(motion.frames(shown, FRAMES, size), texts)


@dataclass(frozen=True)
class Lessons:
    """All lessons of a training.

    :param images: RGB (N, S, S, 3) or (N, F, S, S, 3).
    :param texts: N times, for each view, what is right.
    :param views: the axes that each view flips.
    :param noise: standard deviation of the noisiest sensor, 1 is full scale; a batch's images get
        up to this much each.
    """

    images: Images
    texts: Sequence[tuple[Groups, ...]]
    views: Sequence[tuple[int, ...]]
    noise: float = 0.0

    @classmethod
    def gather(
        cls,
        drawn: Iterable[Lesson],
        count: int,
        views: Sequence[tuple[int, ...]],
        noise: float = 0.0,
    ) -> Lessons:
        """Collect ``count`` drawn lessons into arrays."""
        images, texts = np.empty(0, np.uint8), []
        for index, lesson in enumerate(drawn):
            if index == 0:
                images = np.empty((count, *lesson.image.shape), np.uint8)
            images[index] = lesson.image
            texts.append(lesson.texts)
        return cls(images, texts, views, noise)

    def every_text(self) -> Iterator[str]:
        """Yield all prompts and answers."""
        for views in self.texts:
            for groups in views:
                for group in groups:
                    for pair in group:
                        yield from pair

    def batch(self, size: int, rng: np.random.Generator) -> tuple[Images, list[str], list[str]]:
        """Draw images in random views, and a prompt and a right answer at random for each.

        :param size: images a batch.
        :returns: images, prompts, answers.
        """
        chosen = rng.integers(len(self.images), size=size)
        view_of = (rng.random(size) * len(self.views)).astype(int)
        images = self.images[chosen]
        for view, axes in enumerate(self.views):
            if axes:
                images[view_of == view] = np.flip(images[view_of == view], axes)
        if self.noise > 0.0:
            images = _noisy(images, self.noise, rng)
        pairs = [
            _pick(self.texts[index][view], rng) for index, view in zip(chosen, view_of, strict=True)
        ]
        return images, [prompt for prompt, _ in pairs], [answer for _, answer in pairs]


def draw_all(
    draw: Callable[..., Lesson], count: int, *, seed: int, size: int, workers: int
) -> Iterator[Lesson]:
    """Draw lessons in parallel, in order.

    :param draw: one of the functions above.
    :param size: width and height, pixels.
    """
    # A fork would inherit what draws in this process, and hang at its first image.
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, fresh, initializer=ignore_interrupts) as pool:
        yield from pool.map(
            partial(draw, seed=seed, size=size), range(count), chunksize=DRAWN_TOGETHER
        )


def _noisy(images: Images, most: float, rng: np.random.Generator) -> Images:
    strength = 255.0 * rng.uniform(0.0, most, (len(images), *[1] * (images.ndim - 1)))
    noise = rng.standard_normal(images.shape, np.float32) * strength.astype(np.float32)
    return np.asarray(np.clip(np.rint(images + noise), 0, 255), np.uint8)


def _pick(groups: Groups, rng: np.random.Generator) -> Pair:
    group = groups[rng.integers(len(groups))] if len(groups) > 1 else groups[0]
    return group[rng.integers(len(group))]


def _captions(scene: Scene) -> tuple[Pair, ...]:
    return tuple(("", text) for text in captions(scene))


def _mirror(scene: Scene) -> Scene:
    objects = tuple(dataclasses.replace(thing, x_m=-thing.x_m) for thing in scene.objects)
    return dataclasses.replace(scene, objects=objects)
