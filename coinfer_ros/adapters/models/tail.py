# SPDX-License-Identifier: Apache-2.0
"""The edge's half of a vision-language model."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from coinfer_ros.adapters.checkpoint import NAME
from coinfer_ros.adapters.memory import give_back
from coinfer_ros.adapters.models.batches import can_batch, ends, repeated, until_end
from coinfer_ros.adapters.models.building import in_one_line
from coinfer_ros.adapters.models.halves import make_tail
from coinfer_ros.adapters.models.loading import fill
from coinfer_ros.adapters.models.opening import Opened
from coinfer_ros.adapters.models.processing import generation_config
from coinfer_ros.core import checks
from coinfer_ros.core.errors import CoinferError, InvalidInput, Unsupported
from coinfer_ros.core.model import Generated

MAX_NEW_TOKENS = 30
PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}


class LanguageTail:
    """What follows the cut: the rest of the vision encoder if any, language model, tokenizer.

    :param opened: the checkpoint.
    :param max_new_tokens: an answer stops there at the latest.
    :param device: where it runs, ``cpu`` or ``cuda``.
    :param precision: type that it computes in: ``float32``, ``bfloat16`` or ``float16``.
    :ivar model: what generates.
    :ivar batches: whether several answers are made in one run; a model whose own code knows one
        image alone (it was tried) answers one after another.
    :raises InvalidInput: when the model has no room for so many tokens.
    :raises Unsupported: when what follows the cut needs more than what crosses it.
    """

    def __init__(
        self,
        opened: Opened,
        *,
        max_new_tokens: int = MAX_NEW_TOKENS,
        device: str = "cpu",
        precision: str = "float32",
    ) -> None:
        self.info = opened.info()
        self._processing = opened.processing
        self._places = _places(opened.config)
        checks.whole("max_new_tokens", max_new_tokens, low=1, high=self._places - 1)
        self.model = opened.new_model()
        self._delivery = make_tail(self.model, opened.anatomy, opened.cut)
        if precision not in PRECISIONS:
            raise InvalidInput(
                f"model.precision must be one of {', '.join(PRECISIONS)}, got {precision!r}"
            )
        dtype = PRECISIONS[precision]
        fill(self.model, opened.body.model, opened.checkpoint, dtype=dtype)
        for parameter in self.model.parameters():
            parameter.data = parameter.data.to(dtype)
        self.model.to(device)  # buffers, as rotary frequencies, keep their precision
        self._device, self._dtype = device, dtype
        self.backend = f"{precision} on {device}" if device != "cpu" else precision
        self._how = generation_config(opened.checkpoint, max_new_tokens=max_new_tokens)
        self._ends = ends(self.model, self._how)
        self._max_new_tokens = max_new_tokens
        self._answering = threading.Lock()
        self._refuse_poison()
        self._try_generating()
        captioned = functools.partial(self._generate, self._inputs(""))
        self.batches = can_batch(captioned, self._how, self.info.embedding_shape, dtype)
        give_back()  # what the weights passed through

    def answer(self, embedding: NDArray[np.float32], prompt: str) -> Generated:
        """Turn an embedding and a prompt into text.

        :param embedding: (T, C), finite.
        :param prompt: a question, or text that the answer continues, as the checkpoint was trained
            for; may be empty.
        :raises InvalidInput: when an argument breaks its rule.
        """
        return self._together([embedding], prompt)[0]

    def answer_many(
        self, embeddings: Sequence[NDArray[np.float32]], prompt: str
    ) -> list[Generated]:
        """Turn embeddings with one prompt into texts, those that ``answer`` gives each alone.

        A batch sums in another order: where two words are equally likely up to rounding, which in
        ``float16`` and ``bfloat16`` happens, it may choose the other one.

        :param embeddings: each (T, C), finite.
        :param prompt: see :meth:`answer`.
        :raises InvalidInput: when an argument breaks its rule.
        """
        if self.batches and embeddings:
            return self._together(embeddings, prompt)
        return [self.answer(embedding, prompt) for embedding in embeddings]

    def _together(self, embeddings: Sequence[NDArray[np.float32]], prompt: str) -> list[Generated]:
        for embedding in embeddings:
            self._check(embedding)
        inputs = self._inputs(prompt)
        rows = self._generate(inputs, torch.from_numpy(np.stack(embeddings)), self._how)
        if self._repeats_prompt:
            rows = rows[:, inputs["input_ids"].shape[1] :]
        return [self._said(row) for row in rows]

    @torch.inference_mode()
    def _generate(self, inputs: dict[str, torch.Tensor], embeddings: torch.Tensor, how: Any) -> Any:
        """Return what the library generates from one prompt's inputs and embeddings (N, T, C)."""
        with self._answering:  # embeddings wait in the model for their own run
            self._delivery.put(embeddings.to(self._device, self._dtype))
            return self.model.generate(**repeated(inputs, len(embeddings)), generation_config=how)

    def _said(self, row: torch.Tensor) -> Generated:
        new = until_end(row, self._ends, given=int(not self._repeats_prompt))
        text = self._processing.tokenizer.decode(new, skip_special_tokens=True)
        return Generated(text=text.strip(), tokens=len(new))

    def warm_up(self) -> None:
        """Answer once for nothing: the first answer of a process takes longer than the others."""
        self.answer(np.zeros(self.info.embedding_shape, np.float32), "")

    def close(self) -> None:
        """Do nothing: its memory goes with it."""

    @property
    def _repeats_prompt(self) -> bool:
        return not self.model.config.is_encoder_decoder

    @torch.inference_mode()
    def _refuse_poison(self) -> None:
        """Refuse a cut that what follows looks past: the head's stand-ins answer NaN."""
        nothing = torch.zeros(self.info.embedding_shape, dtype=self._dtype, device=self._device)
        self._delivery.put(nothing[None])
        logits = self.model(**self._moved(self._processing.inputs(""))).logits
        if not bool(torch.isfinite(logits).all()):
            raise Unsupported(
                f"split.cut must be where nothing else crosses, got {self.info.cut!r}: what "
                f"follows it in {NAME} also reads what comes before"
            )

    def _try_generating(self) -> None:
        """Refuse what the library finds wrong only when it generates."""
        try:
            self.warm_up()
        except CoinferError:
            raise
        except Exception as error:  # the library checks with many kinds
            raise InvalidInput(
                f"{NAME} must hold a generation_config.json that its model generates with, got "
                f"{in_one_line(error)}"
            ) from error

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

    def _inputs(self, prompt: str) -> dict[str, torch.Tensor]:
        if not isinstance(prompt, str):
            raise InvalidInput(f"prompt must be text, got {type(prompt).__name__}")
        if not prompt.isascii() and prompt.encode("utf-8", "replace").decode("utf-8") != prompt:
            raise InvalidInput(f"prompt must be sound Unicode, got {prompt!r}")
        inputs = self._processing.inputs(prompt)
        own = inputs["input_ids"].shape[1] - self._processing.inputs("")["input_ids"].shape[1]
        room = self._places - self._max_new_tokens - (inputs["input_ids"].shape[1] - own)
        if own > room:
            raise InvalidInput(f"prompt must have at most {room} tokens, got {own}")
        return self._moved(inputs)

    def _moved(self, inputs: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        return {
            name: value.to(self._device, self._dtype if value.is_floating_point() else value.dtype)
            for name, value in inputs.items()
        }


def _places(config: Any) -> int:
    """Return how many tokens the language model has room for."""
    return int(config.get_text_config().max_position_embeddings)
