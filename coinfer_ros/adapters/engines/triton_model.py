# SPDX-License-Identifier: Apache-2.0
"""The other side of :mod:`kserve`: this package's own tail as a model of Triton's Python backend.

Triton loads ``MODEL/1/model.py``, which imports :class:`TritonPythonModel` from here;
:mod:`triton_repository` writes that file and the configuration beside it.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters.engines.contract import EMBEDDING, PROMPT, TEXT, TOKENS
from coinfer_ros.core.errors import CoinferError, InvalidInput
from coinfer_ros.core.model import Tail


class TritonPythonModel:
    """A tail, by the name and the methods that Triton's Python backend asks for."""

    def initialize(self, args: dict[str, str]) -> None:
        """Open the tail that the model's parameters describe.

        :param args: Triton's; ``model_config`` is the configuration as JSON.
        :raises InvalidInput: when the checkpoint is not the one that the parameters name.
        """
        from coinfer_ros.adapters import models  # noqa: PLC0415

        parameters = {
            name: value["string_value"]
            for name, value in json.loads(args["model_config"])["parameters"].items()
        }
        width, height = int(parameters["image_width"]), int(parameters["image_height"])
        self._tail = models.open_tail(
            parameters["model_path"],
            cut=parameters["cut"],
            image_px=(width, height) if width else None,
            max_new_tokens=int(parameters["max_new_tokens"]),
            device=parameters["device"],
            precision=parameters["precision"],
        )
        if self._tail.info.fingerprint != parameters["fingerprint"]:
            raise InvalidInput(
                f"parameters.fingerprint must be that of {parameters['model_path']}, "
                f"{self._tail.info.fingerprint}, got {parameters['fingerprint']}"
            )

    def execute(self, requests: list[Any]) -> list[Any]:
        """Answer Triton's requests, each of which may hold several embeddings."""
        return [self._respond(request) for request in requests]

    def _respond(self, request: Any) -> Any:
        import triton_python_backend_utils as triton  # type: ignore[import-not-found]  # noqa: PLC0415

        embeddings, prompts = (
            triton.get_input_tensor_by_name(request, name).as_numpy()
            for name in (EMBEDDING, PROMPT)
        )
        try:
            texts, tokens = answer_batch(self._tail, embeddings, prompts)
        except CoinferError as error:
            # Without a code Triton takes it for a fault of its own.
            bad = triton.TritonError(str(error), triton.TritonError.INVALID_ARG)
            return triton.InferenceResponse(error=bad)
        return triton.InferenceResponse([triton.Tensor(TEXT, texts), triton.Tensor(TOKENS, tokens)])


def answer_batch(
    tail: Tail, embeddings: NDArray[np.float32], prompts: NDArray[np.object_]
) -> tuple[NDArray[np.object_], NDArray[np.int32]]:
    """Answer every embedding of one request.

    :param embeddings: (N, T, C).
    :param prompts: (N, 1), UTF-8.
    :return: texts (N, 1), UTF-8, and the number of tokens of each (N, 1).
    :raises InvalidInput: when an embedding or prompt breaks the tail's rules.
    """
    if len(prompts) != len(embeddings):
        raise InvalidInput(f"prompt must be {len(embeddings)} texts, got {len(prompts)}")
    places: dict[bytes, list[int]] = {}
    for place, prompt in enumerate(prompts.ravel()):
        places.setdefault(prompt, []).append(place)
    texts = np.empty((len(embeddings), 1), dtype=object)
    tokens = np.empty((len(embeddings), 1), dtype=np.int32)
    for prompt, asked in places.items():  # a tail answers one prompt at a time
        answers = tail.answer_many(list(embeddings[asked]), _text(prompt))
        for place, answer in zip(asked, answers, strict=True):
            texts[place, 0], tokens[place, 0] = answer.text.encode(), answer.tokens
    return texts, tokens


def _text(prompt: bytes) -> str:
    try:
        return prompt.decode()
    except UnicodeDecodeError as error:
        raise InvalidInput(f"prompt must be UTF-8, got {prompt!r:.80}") from error
