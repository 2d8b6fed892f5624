# SPDX-License-Identifier: Apache-2.0
"""How much work each half of a GIT is, counted on the meta device: no weights, no time spent."""

from __future__ import annotations

import functools
import json

import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers.models.git.configuration_git import GitConfig

from coinfer_ros.adapters import git_halves
from coinfer_ros.adapters.checkpoint import Checkpoint, fingerprint
from coinfer_ros.core.model import ModelInfo

CUT = "visual_projection"


def measure(checkpoint: Checkpoint) -> ModelInfo:
    """Describe a checkpoint: configuration, workload and fingerprint, no weights loaded.

    :raises Unsupported: when the checkpoint is another architecture's.
    :raises InvalidInput: when its config.json is unsound.
    """
    head_flop, tail_flop = count_flop(json.dumps(checkpoint.config, sort_keys=True))
    config = git_halves.parse_config(checkpoint.config)
    return ModelInfo(
        fingerprint=fingerprint(checkpoint),
        cut=CUT,
        embedding_shape=(git_halves.tokens(config), config.hidden_size),
        head_parameters=sum(p.numel() for p in git_halves.head_on_meta(config).parameters()),
        tail_parameters=sum(p.numel() for p in git_halves.tail_on_meta(config).parameters()),
        head_flop=head_flop,
        tail_flop=tail_flop,
    )


@functools.lru_cache(maxsize=8)
def count_flop(config_json: str) -> tuple[float, float]:
    """Count the FLOP of one image in the head and, to the first token, in the tail.

    The tail gets the begin token only and computes the last position's logits only, as
    ``generate`` does.

    :param config_json: the text of config.json.
    """
    config = git_halves.parse_config(json.loads(config_json))
    return head_flop(config), tail_flop(config, text_tokens=1, logits_to_keep=1)


def head_flop(config: GitConfig) -> float:
    """Count the FLOP of one image, of all its frames for a video checkpoint, in the head."""
    side, channels = config.vision_config.image_size, config.vision_config.num_channels
    half = git_halves.head_on_meta(config)
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        half(torch.empty(git_halves.frames(config), channels, side, side, device="meta"))
    return float(counter.get_total_flops())


def tail_flop(config: GitConfig, *, text_tokens: int, logits_to_keep: int) -> float:
    """Count the FLOP of the tail to the first new token.

    :param text_tokens: tokens of the prompt, the begin token included.
    :param logits_to_keep: last positions whose logits are computed, 0 for every position.
    """
    half = git_halves.tail_on_meta(config)
    embedding = torch.empty(1, 1, git_halves.tokens(config), config.hidden_size, device="meta")
    ids = torch.empty(1, text_tokens, dtype=torch.long, device="meta")
    with torch.inference_mode(), torch.device("meta"), FlopCounterMode(display=False) as counter:
        half(input_ids=ids, pixel_values=embedding, logits_to_keep=logits_to_keep)
    return float(counter.get_total_flops())
