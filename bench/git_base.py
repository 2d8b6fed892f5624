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
def checkpoint() -> Iterator[Path]:
    """Make the folder, 350 MB of float16, and remove it at the end."""
    with TemporaryDirectory(prefix="coinfer-git-base-") as name:
        folder = Path(name)
        disable_progress_bar()
        torch.manual_seed(0)
        model = GitForCausalLM(GitConfig(bos_token_id=BEGIN, eos_token_id=END))
        model.half().save_pretrained(folder)
        vocabulary = {word: index for index, word in enumerate(SPECIAL)}
        BertTokenizer(vocab=vocabulary).save_pretrained(folder)
        CLIPImageProcessorPil().save_pretrained(folder)
        yield folder
