# SPDX-License-Identifier: Apache-2.0
"""Writes the model card of a trained model: what it is, how it was made, how well it does."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from coinfer_ros.core.model import ModelInfo
from coinfer_ros.tools.scoring import Score


@dataclass(frozen=True)
class Training:
    """How a model was trained.

    :param command: the exact command.
    :param seed: seed of scenes, weights and batches.
    :param scenes: scenes rendered for training.
    :param steps: optimizer steps taken.
    :param batch: images a step.
    :param seconds: wall time, rendering included, s.
    :param threads: CPU threads used.
    :param image_px: side of the images it was scored on, pixels.
    """

    command: str
    seed: int
    scenes: int
    steps: int
    batch: int
    seconds: float
    threads: int
    image_px: int


def model_card(
    training: Training, info: ModelInfo, weight_rate: float, scores: Sequence[Score]
) -> str:
    """Return the model card as Markdown, front matter first."""
    tokens, channels = info.embedding_shape
    parameters = info.head_parameters + info.tail_parameters
    threads = "one thread" if training.threads == 1 else f"{training.threads} threads"
    return f"""---
license: apache-2.0
library_name: transformers
pipeline_tag: image-to-text
language: en
---
# GIT for scenes

A small GIT of {parameters / 1e6:.2f} M parameters. It captions rendered scenes of one or two
coloured objects: "a red cube left of a blue ball". It ships so that every part of coinfer_ros can
be tried without a download, and it loads with `GitForCausalLM.from_pretrained` like any other GIT.
It knows nothing but these scenes.

| half | parameters | MFLOP an image |
|---|---|---|
| robot: image encoder, visual projection | {info.head_parameters} | {info.head_flop / 1e6:.2f} |
| edge: text decoder, to the first token | {info.tail_parameters} | {info.tail_flop / 1e6:.2f} |

The embedding between them has {tokens} tokens of {channels} channels.

## Scores
{scores[0].scenes} held-out scenes, drawn at {training.image_px} px. A caption counts when it is,
word for word, one of the scene's references. The robot's matrices and convolution kernels are
quantized uniformly with one scale an output channel; the edge's half is not.

| bits | right captions | mean weight error | λ · error |
|---|---|---|---|
{chr(10).join(_row(s, weight_rate) for s in scores)}

λ, the reciprocal of the mean magnitude of the quantized weights, is {weight_rate:.2f}.

## How it was made
```
{training.command}
```
Seed {training.seed}; {training.scenes} scenes rendered by `coinfer_ros.sim`, half of them shown
mirrored, one of their references at random each time; {training.steps} steps of {training.batch}
images; AdamW under a cosine schedule. Then the head's channels were spread by powers of two, which
leaves what it says unchanged and gives its matrices the outlier channels of large models
(`coinfer_ros/adapters/git_channels.py` says why). Without it 3 bits caption as well as 16; how fast
quality falls below 8 bits is therefore by design, not a finding. The spread was picked from three
by its curve on 150 of the held-out scenes.
Rendering and training took {training.seconds / 60:.1f}
minutes, with torch on {threads} of an {_processor()} machine.
Weights are stored as float16. All scenes are synthetic: no photograph and no person is in the data.

Score it again with `coinfer train --evaluate` and this folder.
"""


def _row(score: Score, weight_rate: float) -> str:
    relative = weight_rate * score.distortion
    return f"| {score.bits} | {score.accuracy:.1%} | {score.distortion:.3g} | {relative:.3g} |"


def _processor() -> str:
    """Return the processor's name, as Linux tells it where it does."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
