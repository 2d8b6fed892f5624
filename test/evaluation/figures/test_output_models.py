# SPDX-License-Identifier: Apache-2.0
"""What Fig. 3 measures is the model itself, as the robot runs it, with one scale a tensor."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from coinfer_ros.adapters.models import open_head
from coinfer_ros.adapters.module_distortion import quantizable
from coinfer_ros.core import quantizers
from coinfer_ros.core.quantizers import PerTensor
from coinfer_ros.evaluation.autoencoder import Trained, train
from coinfer_ros.evaluation.figures import output_models
from coinfer_ros.evaluation.figures.artifact import Artifact
from coinfer_ros.sim.render import render
from coinfer_ros.sim.scene import random_scene

SHIPPED = Path(__file__).parents[3] / "models" / "git-scenes"


@pytest.fixture(scope="module")
def trained() -> Trained:
    return train(seed=0, steps=2, images=256)


def test_the_autoencoder_gets_normalized_images(trained: Trained) -> None:
    subject = output_models.autoencoder_subject(trained, images=3)
    assert [tuple(x.shape) for x in subject.inputs] == [(1, 784)] * 3
    for x, image in zip(subject.inputs, trained.held_out, strict=False):
        assert float(x.abs().sum()) == pytest.approx(1.0, abs=1e-5)
        np.testing.assert_allclose(x[0].numpy() * image.sum(), image, rtol=1e-4)


@pytest.mark.slow
def test_the_shipped_module_says_what_the_robot_s_half_says() -> None:
    subject = output_models.shipped_subject(SHIPPED, seed=5, scenes=2)
    head = open_head(SHIPPED, kernel="float32")
    for index, x in enumerate(subject.inputs):
        scene = random_scene(np.random.default_rng([3, 5, index]))
        expected = head.embed(render(scene, output_models.SCENE_PX))
        np.testing.assert_array_equal(subject.module(x).numpy(), expected)


def test_the_curves_are_measured_with_one_scale_a_tensor(trained: Trained) -> None:
    subject = output_models.autoencoder_subject(trained, images=2)
    shares: list[float] = []
    uniform, power_of_two, exponential = output_models.measured_curves(
        [subject], widths=[3], progress=shares.append
    )
    assert shares == pytest.approx([1 / 3, 2 / 3, 1])
    weights = [w.detach().numpy() for w in quantizable(trained.module).values()]
    for curve, name in (
        (uniform, "uniform"),
        (power_of_two, "power_of_two"),
        (exponential, "exponential"),
    ):
        assert curve.quantizer == name
        restored = [
            quantizers.restored(w, quantizer=name, bits=3, granularity=PerTensor()) for w in weights
        ]
        error = sum(float(np.abs(w - r).sum()) for w, r in zip(weights, restored, strict=True))
        assert curve.parameter[0] == pytest.approx(error, rel=1e-5)
        matrices = [torch.from_numpy(r) for r in restored]
        for x, moved in zip(subject.inputs, curve.output[:, 0], strict=True):
            through = x
            for index, matrix in enumerate(matrices):
                through = through @ matrix.T
                through = through.relu() if index < 15 else through
            # float32 sums; both outputs are of order 1 a weight error's worth.
            difference = float((through - subject.module(x)).abs().sum())
            assert moved == pytest.approx(difference, rel=1e-3)


def test_the_training_s_errors_are_in_a_table(
    trained: Trained, read: Callable[[Artifact], list[dict[str, str]]]
) -> None:
    (row,) = read(output_models.training_table(trained))
    assert float(row["held_out_mean_squared_error"]) == trained.error
    assert float(row["mean_image_mean_squared_error"]) == trained.mean_image_error
