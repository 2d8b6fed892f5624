# SPDX-License-Identifier: Apache-2.0
"""The autoencoder is the paper's, learns, and is the same for the same seed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch
from torch import nn

from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.evaluation import autoencoder
from coinfer_ros.evaluation.autoencoder import Trained, draw_images, new_autoencoder, train
from coinfer_ros.evaluation.one_thread import one_thread

PAPER_ENCODER = [64, 128, 256, 512, 256, 128, 64, 32]  # arXiv 2602.13052, Sec. VI-A


def quick(*, seed: int) -> Trained:
    return train(seed=seed, steps=2, images=512)


@pytest.fixture(scope="module")
def short() -> Trained:
    return quick(seed=3)


@pytest.fixture(scope="module")
def untrained() -> nn.Sequential:
    with one_thread():
        return new_autoencoder(1)


def test_it_has_the_paper_s_sixteen_layers_without_bias_and_relu_between(
    untrained: nn.Sequential,
) -> None:
    layers = list(untrained)
    matrices = layers[::2]
    assert [layer.out_features for layer in matrices[:8]] == PAPER_ENCODER
    assert [layer.in_features for layer in matrices] == [
        784,
        *PAPER_ENCODER,
        *PAPER_ENCODER[-2::-1],
    ]
    assert all(isinstance(layer, nn.Linear) and layer.bias is None for layer in matrices)
    assert all(isinstance(layer, nn.ReLU) for layer in layers[1::2])
    assert len(matrices) == 16
    assert matrices[-1].out_features == 784
    for one, other in itertools.pairwise(matrices):
        assert one.out_features == other.in_features


def test_untrained_it_is_linear_for_relu_then_loses_nothing(untrained: nn.Sequential) -> None:
    module = untrained
    x, y = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 5, 784)).astype(np.float32))
    with torch.no_grad():
        whole, apart = module(x - 2.0 * y), module(x) - 2.0 * module(y)
    # 16 sums of up to 512 products, float32: some 1e-6 of what is summed.
    assert (whole - apart).abs().max() < 1e-4 * whole.abs().max()
    assert whole.abs().max() > 0.1


def test_without_bias_a_scaled_image_gives_a_scaled_output(short: Trained) -> None:
    images = torch.from_numpy(short.held_out[:4])
    torch.testing.assert_close(short.module(0.25 * images), 0.25 * short.module(images))


def test_images_are_bright_ellipses_on_black() -> None:
    images = draw_images(200, np.random.default_rng(0))
    assert images.shape == (200, 784)
    assert images.dtype == np.float32
    assert 0.0 <= images.min() < 1e-3
    # The pixel nearest to a centre is 0.36 radii away at most: it has 0.98 of the brightness.
    assert 0.5 * 0.98 <= images.max(axis=1).min() <= images.max() <= 1.0
    assert images.max(axis=1).std() > 0.1
    assert len(np.unique(images.argmax(axis=1))) > 50


def test_the_same_seed_draws_and_trains_the_same_and_another_does_not(short: Trained) -> None:
    again, other = quick(seed=3), quick(seed=4)
    np.testing.assert_array_equal(again.held_out, short.held_out)
    assert again.error == short.error != other.error
    for one, same in zip(short.module.parameters(), again.module.parameters(), strict=True):
        assert torch.equal(one, same)


def test_the_errors_are_those_of_the_module_and_of_the_mean_image(short: Trained) -> None:
    with torch.no_grad():
        seen = short.module(torch.from_numpy(short.held_out)).double().numpy()
    assert short.error == pytest.approx(np.mean((seen - short.held_out) ** 2), rel=1e-6)
    # No image predicts these better than their own mean, and that of 512 others is close to it.
    own = float(np.var(short.held_out.astype(np.float64), axis=0).mean())
    assert own < short.mean_image_error < 1.05 * own
    assert not short.module.training
    assert not any(parameter.requires_grad for parameter in short.module.parameters())


def test_training_reports_its_progress_and_gives_the_threads_back() -> None:
    before = torch.get_num_threads()
    shares: list[float] = []
    train(seed=0, steps=4, images=128, progress=shares.append)
    assert shares == [0.25, 0.5, 0.75, 1.0]
    assert torch.get_num_threads() == before


@pytest.mark.slow
def test_trained_in_full_it_is_far_better_than_the_mean_image() -> None:
    trained = train(seed=0, steps=autoencoder.STEPS)
    assert trained.error < trained.mean_image_error / 20  # 38 with torch 2.13


@pytest.mark.parametrize("steps", [0, 1.5, True])
def test_steps_out_of_range_are_refused(steps: object) -> None:
    with pytest.raises(InvalidInput, match="steps must be a whole number"):
        train(seed=0, steps=steps)  # type: ignore[arg-type]


def test_a_seed_or_count_out_of_range_is_refused() -> None:
    with pytest.raises(InvalidInput, match="seed must be a whole number"):
        train(seed=-1)
    with pytest.raises(InvalidInput, match="count must be a whole number"):
        draw_images(0, np.random.default_rng(0))
    with pytest.raises(InvalidInput, match=r"images must be a whole number in .*, got 0"):
        train(seed=0, images=0)


def test_a_seed_may_be_numpy_s(short: Trained) -> None:
    assert quick(seed=np.int64(3)).error == short.error  # type: ignore[arg-type]
