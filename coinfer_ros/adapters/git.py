# SPDX-License-Identifier: Apache-2.0
"""GIT captioning models (Hugging Face ``GitForCausalLM``) as a robot half and an edge half.

Any GIT checkpoint folder works as it was downloaded, ``microsoft/git-base-coco`` for one. A video
checkpoint looks at several frames: one camera image is shown to it as often, a clip as it is.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GenerationConfig

from coinfer_ros.adapters import git_halves, git_processing, git_workload
from coinfer_ros.adapters.checkpoint import open_checkpoint, read_json
from coinfer_ros.adapters.quantized import QuantizedWeights
from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import Generated, HeadWeights, ModelInfo

MAX_NEW_TOKENS = 30


def describe(path: str | Path) -> ModelInfo:
    """Describe a checkpoint without loading a weight.

    :param path: the checkpoint's folder.
    :raises Unavailable: when the folder or a file is not there.
    :raises Unsupported: when it is not a GIT checkpoint or its weights are pickled.
    :raises InvalidInput: when a file is broken.
    """
    return git_workload.measure(open_checkpoint(path))


class GitHead:
    """The robot's half: image processor, image encoder, visual projection."""

    def __init__(
        self, info: ModelInfo, processor: Any, half: git_halves.VisionHalf, master: QuantizedWeights
    ) -> None:
        self.info = info
        self._processor = processor
        self._half = half
        self._master = master
        self.weight_rate = master.weight_rate
        self._image_size = int(half.image_encoder.config.image_size)
        self._frames = frames = len(getattr(half, "img_temporal_embedding", ())) or 1
        self._axes = (3,) if frames == 1 else (3, 4)
        self.use(self.prepare(16))

    @classmethod
    def load(cls, path: str | Path) -> GitHead:
        """Load the robot's half, and no other weight; it starts at 16 bits.

        :param path: the checkpoint's folder.
        :raises Unavailable: when the folder or a file is not there.
        :raises Unsupported: when it is not a GIT checkpoint or its weights are pickled.
        :raises InvalidInput: when a file is broken.
        """
        checkpoint = open_checkpoint(path)
        config = git_halves.parse_config(checkpoint.config)
        half = git_halves.head_on_meta(config)
        stored = git_halves.fill(half, "git.", checkpoint)
        processor = git_processing.image_processor(checkpoint, config.vision_config.image_size)
        return cls(
            git_workload.measure(checkpoint), processor, half, QuantizedWeights(half, stored)
        )

    @torch.inference_mode()
    def embed(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turn an image into the embedding that crosses the cut.

        :param image: RGB (H, W, 3); a video checkpoint also takes a clip of its length
            (F, H, W, 3), and sees a single image F times.
        :returns: embedding (T, C).
        :raises InvalidInput: when the image has another shape or type.
        """
        shown = self._check(image)
        pixels = self._processor(  # a narrow image would be taken for channels first
            list(shown), return_tensors="pt", input_data_format="channels_last"
        ).pixel_values  # (F, 3, S, S)
        embedding: NDArray[np.float32] = self._half(pixels).numpy()
        return embedding

    def prepare(self, bits: int) -> HeadWeights:
        """Quantize the head's weights from their full-precision master.

        Safe beside a running :meth:`embed`: it reads the master and fills new memory.

        :param bits: one of ``WEIGHT_BITS``.
        :raises InvalidInput: when ``bits`` is none of them.
        """
        return self._master.prepare(bits)

    def use(self, weights: HeadWeights) -> None:
        """Put prepared weights in place: pointers change, nothing is copied.

        :raises InvalidInput: when they were prepared by another model.
        """
        self._master.use(weights)
        self.bits = weights.bits

    def _check(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return the frames to show (F, H, W, 3)."""
        kind = f"{type(image).__name__}"
        if isinstance(image, np.ndarray):
            kind = f"{image.dtype} {image.shape}"
            good = image.dtype == np.uint8 and image.ndim in self._axes and image.shape[-1] == 3
            if good and image.size and image.ndim == 3:
                return np.broadcast_to(image, (self._frames, *image.shape))
            if good and image.size and len(image) == self._frames:
                return image
        clip = f" or {(self._frames, 'H', 'W', 3)}" if self._frames > 1 else ""
        raise InvalidInput(f"image must be RGB uint8 (H, W, 3){clip}, got {kind}")


class GitTail:
    """The edge's half: text decoder and tokenizer."""

    def __init__(self, info: ModelInfo, tokenizer: Any, model: Any) -> None:
        self.info = info
        self._tokenizer = tokenizer
        self._model = model

    @classmethod
    def load(cls, path: str | Path, *, max_new_tokens: int = MAX_NEW_TOKENS) -> GitTail:
        """Load the edge's half, and no other weight.

        :param path: the checkpoint's folder.
        :param max_new_tokens: an answer stops there at the latest.
        :raises Unavailable: when the folder or a file is not there.
        :raises Unsupported: when it is not a GIT checkpoint or its weights are pickled.
        :raises InvalidInput: when a file is broken.
        """
        checkpoint = open_checkpoint(path)
        config = git_halves.parse_config(checkpoint.config)
        longest = config.max_position_embeddings - 1  # the first place is the begin token's
        checks.whole("max_new_tokens", max_new_tokens, low=1, high=longest)
        model = git_halves.tail_on_meta(config)
        git_halves.fill(model, "", checkpoint)
        if (checkpoint.folder / "generation_config.json").is_file():
            stored = read_json(checkpoint.folder / "generation_config.json")
            model.generation_config = GenerationConfig.from_dict(stored)
        # One limit, ours: the library warns at every call when two are set.
        model.generation_config.max_length = None
        model.generation_config.max_new_tokens = max_new_tokens
        return cls(git_workload.measure(checkpoint), git_processing.tokenizer(checkpoint), model)

    @torch.inference_mode()
    def answer(self, embedding: NDArray[np.float32], prompt: str) -> Generated:
        """Turn an embedding and a prompt into text.

        :param embedding: (T, C), finite.
        :param prompt: text that the answer continues, a question for a VQA checkpoint; may be
            empty.
        :raises InvalidInput: when an argument breaks its rule.
        """
        self._check(embedding)
        ids = self._prompt_ids(prompt)
        output = self._model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            pixel_values=torch.from_numpy(embedding)[None, None],
        )
        new = output[0, ids.shape[1] :]
        text = self._tokenizer.decode(new, skip_special_tokens=True)
        return Generated(text=text.strip(), tokens=len(new))

    def warm_up(self) -> None:
        """Answer once for nothing: the first answer of a process takes longer than the others."""
        self.answer(np.zeros(self.info.embedding_shape, np.float32), "")

    def _check(self, embedding: NDArray[np.float32]) -> None:
        kind = type(embedding).__name__
        if isinstance(embedding, np.ndarray):
            kind = f"{embedding.dtype} {embedding.shape}"
            if embedding.dtype == np.float32 and embedding.shape == self.info.embedding_shape:
                if np.isfinite(embedding).all():
                    return
                kind = "a NaN or infinity"
        shape = self.info.embedding_shape
        raise InvalidInput(f"embedding must be finite float32 {shape}, got {kind}")

    def _prompt_ids(self, prompt: str) -> torch.Tensor:
        if not isinstance(prompt, str):
            raise InvalidInput(f"prompt must be text, got {type(prompt).__name__}")
        ids = self._tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
        taken = self._model.generation_config.max_new_tokens + 1
        room = self._model.config.max_position_embeddings - taken
        if len(ids) > room:
            raise InvalidInput(f"prompt must have at most {room} tokens, got {len(ids)}")
        return torch.tensor([[self._tokenizer.cls_token_id, *ids]])
