# SPDX-License-Identifier: Apache-2.0
"""Writes a taught model's weights as the library does."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers.utils.logging import disable_progress_bar


def save_weights(model: Any, folder: Path) -> None:
    """Write weights and configuration.

    Weights are stored as float16, which halves the file; scores are measured on what is stored.

    :param model: changed to float16, in evaluation mode, on the CPU.
    :param folder: made where it is not there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    disable_progress_bar()  # the library draws one even for a single file
    model.cpu().eval().half().save_pretrained(folder)
    (folder / "model.safetensors").chmod(0o644)  # written for its owner alone
