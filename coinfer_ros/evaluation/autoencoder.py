# SPDX-License-Identifier: Apache-2.0
"""Trains the 16-layer autoencoder of arXiv 2602.13052, Fig. 3a, on images that it draws itself.

The paper trains on MNIST, which cannot be drawn; soft ellipses of 28 x 28 pixels stand in. The
layers are the paper's: fully connected, no bias, ReLU between two of them, mean squared error.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from coinfer_ros.core import checks
from coinfer_ros.evaluation.one_thread import one_thread

IMAGE_PX = 28
ENCODER = (64, 128, 256, 512, 256, 128, 64, 32)
WIDTHS = (IMAGE_PX**2, *ENCODER, *ENCODER[-2::-1], IMAGE_PX**2)  # 16 matrices
IMAGES, HELD_OUT, BATCH, STEPS = 8192, 256, 128, 1000
IMAGES_MAX = 10**7
PEAK_RATE, WARM_UP_STEPS = 2e-3, 50
_EDGE = 0.15  # of an ellipse's radius: how soft its rim is


@dataclass(frozen=True)
class Trained:
    """The autoencoder and how well it does on images that it was not shown.

    :param module: from images (N, 784) to images (N, 784).
    :param held_out: those images (N, 784), brightness in [0, 1].
    :param error: mean squared error of a pixel, brightness squared.
    :param mean_image_error: the same of the training images' mean, whatever was shown.
    """

    module: nn.Sequential
    held_out: NDArray[np.float32]
    error: float
    mean_image_error: float


def draw_images(count: int, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw ellipses of random place, radii, turn and brightness on black.

    :param count: how many, N.
    :param rng: source of every choice.
    :returns: images (N, 784), brightness in [0, 1].
    :raises InvalidInput: when ``count`` is not a whole number from 1.
    """
    checks.whole("count", count, low=1, high=IMAGES_MAX)
    ramp = ((np.arange(IMAGE_PX) + 0.5) / IMAGE_PX * 2 - 1).astype(np.float32)
    low = [-0.4, -0.4, 0.2, 0.2, 0.0, 0.5]
    high = [0.4, 0.4, 0.6, 0.6, math.pi, 1.0]
    drawn = rng.uniform(low, high, (count, 6)).astype(np.float32)
    x, y, a, b, turn, brightness = (column[:, None, None] for column in drawn.T)  # (N, 1, 1)
    across, down = ramp[None, None, :] - x, ramp[None, :, None] - y
    along = (across * np.cos(turn) + down * np.sin(turn)) / a  # (N, 28, 28)
    aside = (down * np.cos(turn) - across * np.sin(turn)) / b
    outside = np.hypot(along, aside) - 1.0
    images = brightness / (1.0 + np.exp(outside / _EDGE))
    return np.asarray(images.reshape(count, -1), np.float32)


def new_autoencoder(seed: int) -> nn.Sequential:
    """Make an untrained autoencoder whose 16 layers act as one linear map until trained.

    Each hidden layer holds a signal twice, as itself and negated, and each matrix undoes that:
    ReLU then loses nothing, and 16 narrow layers without bias learn. He's initialisation, which
    only scales, ended at 4 times the error (seed 0, as many steps).

    :param seed: draws the weights.
    :returns: from images (N, 784) to images (N, 784).
    """
    generator = torch.Generator().manual_seed(seed)
    last = len(WIDTHS) - 2
    layers: list[nn.Module] = []
    for index, (width_in, width_out) in enumerate(itertools.pairwise(WIDTHS)):
        block = torch.empty(
            width_out if index == last else width_out // 2,
            width_in if index == 0 else width_in // 2,
        )
        nn.init.orthogonal_(block, generator=generator)
        block = block if index == 0 else torch.cat([block, -block], dim=1)
        block = block if index == last else torch.cat([block, -block], dim=0)
        layer = nn.Linear(width_in, width_out, bias=False)
        layer.weight = nn.Parameter(block)
        layers += [layer, nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def train(
    *,
    seed: int,
    steps: int = STEPS,
    images: int = IMAGES,
    progress: Callable[[float], None] = lambda _: None,
) -> Trained:
    """Train on one CPU thread, so that a seed gives the same weights however many cores there are.

    :param seed: draws images, first weights and batches.
    :param steps: optimizer steps, one batch of 128 images each.
    :param images: how many there are to draw batches from.
    :param progress: gets the share that is done.
    :raises InvalidInput: when ``seed``, ``steps`` or ``images`` is out of range.
    """
    seed = checks.whole("seed", seed, low=0, high=2**32 - 1)
    steps = checks.whole("steps", steps, low=1, high=10**6)
    checks.whole("images", images, low=1, high=IMAGES_MAX)
    rng = np.random.default_rng(seed)
    shown = draw_images(images, rng)  # (N, 784)
    held_out = draw_images(HELD_OUT, rng)
    with one_thread():
        module = new_autoencoder(seed)
        _fit(module, shown, steps, rng, progress)
        module.requires_grad_(False).eval()
        seen = module(torch.from_numpy(held_out)).numpy()
    return Trained(
        module,
        held_out,
        error=_mean_square(seen - held_out),
        mean_image_error=_mean_square(shown.mean(axis=0) - held_out),
    )


def _fit(
    module: nn.Sequential,
    images: NDArray[np.float32],
    steps: int,
    rng: np.random.Generator,
    progress: Callable[[float], None],
) -> None:
    optimizer = torch.optim.Adam(module.parameters(), lr=PEAK_RATE, betas=(0.9, 0.98))
    for step in range(steps):
        rate = PEAK_RATE * min(1.0, (step + 1) / WARM_UP_STEPS)
        optimizer.param_groups[0]["lr"] = rate * (0.5 + 0.5 * math.cos(math.pi * step / steps))
        batch = torch.from_numpy(images[rng.integers(len(images), size=BATCH)])
        loss = nn.functional.mse_loss(module(batch), batch)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        progress((step + 1) / steps)


def _mean_square(difference: NDArray[np.float32]) -> float:
    return float(np.square(difference, dtype=np.float64).mean())
