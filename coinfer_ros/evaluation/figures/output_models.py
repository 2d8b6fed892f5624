# SPDX-License-Identifier: Apache-2.0
"""Whose output Fig. 3 measures: the autoencoder's, and the embedding of the shipped model."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from coinfer_ros.adapters.models.head import plain_head
from coinfer_ros.adapters.models.opening import open_model
from coinfer_ros.adapters.module_distortion import Measurement, measure
from coinfer_ros.core.quantizers import PerTensor
from coinfer_ros.evaluation.autoencoder import Trained
from coinfer_ros.evaluation.figures.artifact import Artifact, csv_artifact
from coinfer_ros.evaluation.figures.output_distortion import QUANTIZERS, Curve, curves
from coinfer_ros.evaluation.one_thread import one_thread
from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import random_scene

IMAGES, SCENES, SCENE_PX = 64, 16, 128
_STREAM = 3  # first number of the seeds: scenes that no training and no score has seen


@dataclass(frozen=True)
class Subject:
    """A module and what it is shown.

    :param title: what its panels are called.
    :param module: in evaluation mode.
    :param inputs: what the module takes, one image each.
    """

    title: str
    module: nn.Module
    inputs: Sequence[Any]


def autoencoder_subject(trained: Trained, *, images: int = IMAGES) -> Subject:
    """Return the autoencoder with images that it was not trained on, each of ‖x‖₁ = 1.

    That is assumption A1 of arXiv 2602.13052, Sec. III, and changes no ratio: without biases,
    a·x gives a times the output.
    """
    held_out = torch.from_numpy(trained.held_out[:images])  # (N, 784)
    scaled = held_out / held_out.abs().sum(dim=1, keepdim=True)
    return Subject("autoencoder", trained.module, torch.split(scaled, 1))


def shipped_subject(folder: Path, *, seed: int, scenes: int = SCENES) -> Subject:
    """Return the robot's half of a checkpoint with rendered scenes, processed.

    :param folder: the checkpoint's.
    :param seed: draws the scenes.
    :param scenes: how many.
    :raises Unavailable: when the folder or a file is not there.
    :raises Unsupported: when its architecture is unknown.
    :raises InvalidInput: when a file is broken.
    """
    opened = open_model(folder)
    drawn = [
        render(random_scene(np.random.default_rng([_STREAM, seed, index])), SCENE_PX)
        for index in range(scenes)
    ]
    shown = [opened.processing.image_inputs(image[None]) for image in drawn]
    return Subject("shipped model, embedding", plain_head(opened), shown)


def measured_curves(
    subjects: Sequence[Subject],
    *,
    widths: Sequence[int],
    progress: Callable[[float], None] = lambda _: None,
) -> list[Curve]:
    """Measure every subject with every quantizer.

    :param subjects: S of them.
    :param widths: bit-widths that every quantizer has.
    :param progress: gets the share that is done.
    :raises InvalidInput: when a width is none that a quantizer has.
    """
    total = len(subjects) * len(QUANTIZERS)
    found: list[Curve] = []
    with one_thread():
        for subject, quantizer in itertools.product(subjects, QUANTIZERS):
            found += curves(subject.title, _measurements(subject, quantizer, widths))
            progress(len(found) / total)
    return found


def training_table(trained: Trained) -> Artifact:
    """Return how well the autoencoder does, for curves of a bad one would mean nothing."""
    return csv_artifact(
        "fig3-autoencoder.csv",
        ["held_out_mean_squared_error", "mean_image_mean_squared_error"],
        [(trained.error, trained.mean_image_error)],
    )


def _measurements(
    subject: Subject, quantizer: str, widths: Sequence[int]
) -> tuple[Measurement, ...]:
    return measure(
        subject.module,
        subject.module,
        subject.inputs,
        quantizers=[quantizer],
        widths=widths,
        granularity=PerTensor(),
    )
