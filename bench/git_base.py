# SPDX-License-Identifier: Apache-2.0
"""A checkpoint of GIT-base's size with random weights: what speed and memory are measured on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from transformers import BertTokenizer
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil
from transformers.models.git.configuration_git import GitConfig
from transformers.models.git.modeling_git import GitForCausalLM
from transformers.utils.logging import disable_progress_bar

SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
BEGIN, END = 2, 3


@contextmanager
def checkpoint(*, layers: int = 12) -> Iterator[Path]:
    """Make the folder, 350 MB of float16 with all its layers, and remove it at the end.

    :param layers: of either encoder; 12 in GIT-base.
    """
    with TemporaryDirectory(prefix="coinfer-git-base-") as name:
        folder = Path(name)
        disable_progress_bar()
        torch.manual_seed(0)
        config = GitConfig(
            vision_config={"num_hidden_layers": layers},
            num_hidden_layers=min(layers, 6),
            bos_token_id=BEGIN,
            eos_token_id=END,
        )
        model = GitForCausalLM(config)
        model.half().save_pretrained(folder)
        vocabulary = {word: index for index, word in enumerate(SPECIAL)}
        BertTokenizer(vocab=vocabulary).save_pretrained(folder)
        CLIPImageProcessorPil().save_pretrained(folder)
        yield folder
