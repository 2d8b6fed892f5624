# SPDX-License-Identifier: Apache-2.0
"""The image processor and the tokenizer that a GIT checkpoint folder describes."""

from __future__ import annotations

from typing import Any

import numpy as np
from transformers import AutoTokenizer

# From this module: the package's front door warns that torchvision is missing.
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

from coinfer_ros.adapters.checkpoint import NAME, Checkpoint, read_json
from coinfer_ros.core.errors import InvalidInput, Unavailable


def image_processor(checkpoint: Checkpoint, side: int) -> Any:
    """Return the library's image processor, its PIL one: it needs no torchvision.

    A video checkpoint names another class there; its values mean the same and all are written out.

    :param side: width and height of the image that the model takes, pixels.
    :raises Unavailable: when preprocessor_config.json is not there.
    :raises InvalidInput: when it is broken or makes images of another size.
    """
    settings = read_json(checkpoint.folder / "preprocessor_config.json")
    try:
        processor = CLIPImageProcessorPil.from_dict(settings)
        probe = processor([np.zeros((8, 12, 3), np.uint8)], return_tensors="pt").pixel_values
    except Exception as error:  # the library checks with many kinds
        raise InvalidInput(
            f"{NAME} must hold a sound preprocessor_config.json, got {error}"
        ) from error
    if tuple(probe.shape[-2:]) != (side, side):
        raise InvalidInput(
            f"{NAME} must hold a preprocessor_config.json for {side} x {side} pixels, "
            f"got {probe.shape[-2]} x {probe.shape[-1]}"
        )
    return processor


def tokenizer(checkpoint: Checkpoint) -> Any:
    """Return the checkpoint's tokenizer.

    :raises Unavailable: when its files are not there.
    :raises InvalidInput: when they are broken.
    """
    names = ("tokenizer.json", "vocab.txt")
    if not any((checkpoint.folder / name).is_file() for name in names):
        raise Unavailable(
            f"{NAME} must hold {' or '.join(names)}, got neither in {checkpoint.folder}"
        )
    try:
        return AutoTokenizer.from_pretrained(checkpoint.folder, local_files_only=True)
    except Exception as error:  # the library checks with many kinds
        raise InvalidInput(f"{NAME} must hold sound tokenizer files, got {error}") from error
