# SPDX-License-Identifier: Apache-2.0
"""What goes into a model: its own processor turns images and prompts into tensors.

The processor is called as for the unsplit model, image and text together; the head keeps what comes
of the image, the tail what comes of the text, with a blank image in the other's place.
"""

from __future__ import annotations

import functools
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from transformers import GenerationConfig
from transformers.utils.logging import disable_progress_bar

from coinfer_ros.adapters.checkpoint import NAME, Checkpoint, read_json
from coinfer_ros.adapters.models.processor import load_processor
from coinfer_ros.core.errors import CoinferError, InvalidInput, Unsupported
from coinfer_ros.core.limits import MOST_SIDE_PX

TEXT = frozenset({"input_ids", "attention_mask", "token_type_ids", "mm_token_type_ids"})
# A model that takes any size gets one size all the same: its work, and so its delay, is then known.
DEFAULT_SIDE_PX = 448
CAPTION = "Describe the image."
BLANK = 127
_PROBES = ((48, 64), (64, 40), (32, 96))  # a model of one input size makes the same of all

Frames = NDArray[np.uint8]  # (F, H, W, 3)


class Processing:
    """The processor of one checkpoint.

    :param checkpoint: the folder.
    :param config: the model's configuration.
    :param frames: images that the model looks at together.
    :param image_px: (width, height) that images are resized to first where the model takes any;
        None: a square.
    :raises Unavailable: when a file is not there, or a package that the processor needs.
    :raises InvalidInput: when one is broken.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        config: Any,
        *,
        frames: int,
        image_px: tuple[int, int] | None = None,
    ) -> None:
        disable_progress_bar()
        self._config, self._frames = config, frames
        self._processor = load_processor(checkpoint, config)
        self.tokenizer = self._processor.tokenizer
        self.image_token = getattr(self._processor, "image_token", None)
        self.image_px: tuple[int, int] | None = None  # none: the model has one input size
        try:
            if len({self._layout(rows, columns) for rows, columns in _PROBES}) > 1:
                self.image_px = _sides(image_px or (DEFAULT_SIDE_PX, DEFAULT_SIDE_PX))
            self._refuse_a_prompt_in_the_image_part()
        except CoinferError:
            raise
        except Exception as error:  # the library and its templates fail in many ways
            raise InvalidInput(
                f"{NAME} must hold a processor and a chat template for one image and a prompt, got "
                f"{type(error).__name__}: {' '.join(str(error).split())}"
            ) from error

    def image_inputs(self, frames: Frames) -> dict[str, torch.Tensor]:
        """Turn frames (F, H, W, 3) into what the image half of the model takes."""
        both = self._call(frames, "")
        return {name: value for name, value in both.items() if name not in TEXT}

    def inputs(self, prompt: str) -> dict[str, torch.Tensor]:
        """Return what the whole model takes for a prompt and a blank image.

        :raises InvalidInput: when the prompt holds a special token of the model's.
        """
        image, empty = self._blank
        own = next((token for token in self._own_tokens if token in prompt), None)
        if own is not None:
            raise InvalidInput(
                f"prompt must not hold the model's own token {own!r}, got {prompt!r}"
            )
        return dict(self._call(image, prompt) if prompt else empty)

    @functools.cached_property
    def _own_tokens(self) -> tuple[str, ...]:
        named = str(getattr(self.image_token, "content", self.image_token or ""))
        return tuple(filter(None, {named, *self.tokenizer.all_special_tokens}))

    def _refuse_a_prompt_in_the_image_part(self) -> None:
        """Refuse a model whose robot half would have to know the question (InstructBLIP)."""
        image, empty = self._blank
        asked = self._call(image, "what is in this image")
        for name in asked.keys() - TEXT:
            if not torch.equal(asked[name], empty.get(name, torch.empty(0))):
                raise Unsupported(
                    f"{NAME} must be a model whose image part does not read the prompt, got one "
                    f"that reads {name}"
                )

    @functools.cached_property
    def _blank(self) -> tuple[Frames, dict[str, torch.Tensor]]:
        columns, rows = self.image_px or (_PROBES[0][1], _PROBES[0][0])
        image = np.full((self._frames, rows, columns, 3), BLANK, np.uint8)
        return image, self._call(image, "")

    def _call(self, frames: Frames, prompt: str) -> dict[str, torch.Tensor]:
        if self.image_px is not None:
            frames = np.stack([_resized(frame, self.image_px) for frame in frames])
        text = "" if self._is_git else self._text(prompt)
        begin = self.tokenizer.bos_token
        made = self._processor(
            images=list(frames),
            text=None if self._is_git else [text],
            return_tensors="pt",
            # A narrow image would be taken for one with its channels first.
            images_kwargs={"input_data_format": "channels_last"},
            # A template that writes the begin token itself must not get a second one.
            text_kwargs={"add_special_tokens": not (begin and text.startswith(begin))},
        )
        inputs = {name: value for name, value in made.items() if isinstance(value, torch.Tensor)}
        inputs.pop("labels", None)
        if self._is_git:
            return self._as_git(inputs, prompt)
        return inputs

    @property
    def _is_git(self) -> bool:
        return bool(self._config.model_type == "git")

    def _as_git(self, inputs: dict[str, torch.Tensor], prompt: str) -> dict[str, torch.Tensor]:
        """GIT takes frames as a fifth axis, and a prompt that begins and does not end."""
        ids = self.tokenizer(prompt, add_special_tokens=False, verbose=False).input_ids
        inputs["input_ids"] = torch.tensor([[self.tokenizer.cls_token_id, *ids]])
        inputs["attention_mask"] = torch.ones_like(inputs["input_ids"])
        inputs.pop("token_type_ids", None)
        if self._frames > 1 and inputs["pixel_values"].ndim == 4:  # some processors do it
            inputs["pixel_values"] = inputs["pixel_values"][None]
        return inputs

    def _text(self, prompt: str) -> str:
        if getattr(self._processor, "chat_template", None):
            content = [{"type": "image"}, {"type": "text", "text": prompt or CAPTION}]
            messages = [{"role": "user", "content": content}]
            template = self._processor.chat_template
            return str(
                self.tokenizer.apply_chat_template(
                    messages, chat_template=template, add_generation_prompt=True, tokenize=False
                )
            )
        if self._config.model_type in _IMAGE_TOKENS_BY_THEMSELVES:
            return prompt
        return f"{self.image_token} {prompt}".rstrip()

    def _layout(self, rows: int, columns: int) -> tuple[object, ...]:
        """Return what the model is told of an image's size, beside its pixels."""
        made = self._call(np.full((self._frames, rows, columns, 3), BLANK, np.uint8), "")
        return tuple(
            (
                name,
                tuple(value.shape),
                () if value.is_floating_point() else tuple(value.flatten().tolist()),
            )
            for name, value in made.items()
        )


# Their processors put the image tokens before any text by themselves (InstructBLIP, too, until it
# is refused).
_IMAGE_TOKENS_BY_THEMSELVES = frozenset({"blip-2", "instructblip"})


# What a checkpoint may say of generation: its tokens, and what keeps it from repeating itself.
# Sampling, beams, caches and ways out of the library are not its business here.
_TAKEN_OVER = frozenset(
    {
        *("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"),
        *("forced_bos_token_id", "forced_eos_token_id"),
        *("suppress_tokens", "begin_suppress_tokens"),
        *("repetition_penalty", "no_repeat_ngram_size"),
    }
)


def generation_config(checkpoint: Checkpoint, *, max_new_tokens: int) -> Any:
    """Return how the checkpoint wants to be generated from, but always the likeliest token.

    An answer is then a function of its image, on both sides of any comparison.

    :raises InvalidInput: when generation_config.json is broken.
    """
    file = checkpoint.folder / "generation_config.json"
    stored = read_json(file) if file.is_file() else {}
    try:
        config = GenerationConfig.from_dict(
            {name: value for name, value in stored.items() if name in _TAKEN_OVER}
        )
    except Exception as error:  # the library checks with many kinds
        raise InvalidInput(
            f"{NAME} must hold a sound generation_config.json, got {error}"
        ) from error
    # One limit, ours: the library warns at every call when two are set.
    config.max_length, config.max_new_tokens = None, max_new_tokens
    return config


def _sides(image_px: tuple[int, int]) -> tuple[int, int]:
    if not all(1 <= side <= MOST_SIDE_PX for side in image_px):
        raise InvalidInput(
            f"image_px must have sides of 1 to {MOST_SIDE_PX} pixels, got {image_px}"
        )
    return image_px


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    shrinks = size[0] * size[1] < image.shape[0] * image.shape[1]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(image, size, interpolation=how), np.uint8)
