# SPDX-License-Identifier: Apache-2.0
"""The edge's half served by an engine that speaks the Open Inference Protocol over HTTP.

The protocol (KServe v2) is Triton's own. A served tail must offer

* inputs ``embedding``, FP32 [N, T, C], and ``prompt``, BYTES [N, 1] of UTF-8;
* outputs ``text``, BYTES [N, 1] of UTF-8, and ``tokens``, INT32 [N, 1];
* with Triton, the parameters ``fingerprint`` and ``cut`` in its configuration.

docs/engines.md says how to serve one.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from coinfer_ros.adapters.engines.address import EngineAddress
from coinfer_ros.adapters.engines.answers import decode_answers
from coinfer_ros.adapters.engines.documents import check_status
from coinfer_ros.adapters.engines.handshake import meet
from coinfer_ros.adapters.engines.link import Link, Reply, StaleConnection
from coinfer_ros.adapters.engines.request import binary_request, json_request
from coinfer_ros.core import checks, messages
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.model import Generated, ModelInfo

# Far above any text of a model; each embedding adds as much again.
MOST_REPLY_BYTES = 65536
MOST_DOCUMENT_BYTES = 1024 * 1024


class KServeTail:
    """A tail behind HTTP; what fails, fails for one request, and the next one tries anew.

    :param address: where it is served.
    :param info: of the checkpoint and cut that it must be the tail of.
    :param timeout_s: an answer, or an introduction, takes no longer, s.
    :ivar backend: what executes it, as the engine calls itself.
    :ivar batches: whether one request may hold several embeddings.
    :raises InvalidInput: when the engine serves something else, or breaks the protocol.
    :raises Unavailable: when nobody answers there, or not yet.
    :raises PeerTimeout: when the answers take longer.
    """

    def __init__(self, address: EngineAddress, info: ModelInfo, *, timeout_s: float) -> None:
        self.info = info
        self._address = address
        self._timeout_s = checks.number(
            "engine.timeout_s", timeout_s, above=0.0, high=3600.0, unit="s"
        )
        self._link = Link(address, timeout_s=self._timeout_s)
        self._asking = threading.Lock()  # one connection, one exchange at a time
        self._numbers = itertools.count(1)
        self._meet(time.monotonic() + self._timeout_s)

    def answer(self, embedding: NDArray[np.float32], prompt: str) -> Generated:
        """Turn an embedding (T, C) and a prompt (may be empty) into text.

        :raises CoinferError: as :meth:`answer_many`.
        """
        return self.answer_many([embedding], prompt)[0]

    def answer_many(
        self, embeddings: Sequence[NDArray[np.float32]], prompt: str | Sequence[str]
    ) -> list[Generated]:
        """Answer embeddings in one request, or in as many as the engine's limit makes of it.

        :param embeddings: each (T, C), finite.
        :param prompt: one for all, or one for each.
        :raises InvalidInput: when an argument or the engine's answer breaks its rule.
        :raises Unavailable: when the engine is not there, or fails.
        :raises PeerTimeout: when it has not answered in time.
        """
        prompts = [prompt] * len(embeddings) if isinstance(prompt, str) else list(prompt)
        if len(prompts) != len(embeddings):
            raise InvalidInput(
                f"prompt must be one, or {len(embeddings)} as embeddings, got {len(prompts)}"
            )
        texts = [_encoded(prompt) for prompt in prompts]
        whole = [self._checked(embedding) for embedding in embeddings]
        answers: list[Generated] = []
        with self._asking:
            until_s = time.monotonic() + self._timeout_s
            while len(answers) < len(whole):
                done = len(answers)
                answers += self._answer_some(whole[done:], texts[done:], until_s)
        return answers

    def warm_up(self) -> None:
        """Answer once for nothing: an engine's first answer takes longer than the others."""
        self.answer(np.zeros(self.info.embedding_shape, np.float32), "")

    def close(self) -> None:
        """Close the connection."""
        with self._asking:
            self._link.close()

    def _answer_some(
        self, embeddings: list[NDArray[np.float32]], prompts: list[bytes], until_s: float
    ) -> list[Generated]:
        """Answer as many as go into one request."""
        try:
            return self._ask(embeddings, prompts, until_s)
        except StaleConnection:
            # A kept connection ends without a word when the engine restarts or tires of its
            # silence, and that shows only in the next request. Asking once more cannot hurt: a
            # tail keeps no state, so that an answer computed twice is the same answer.
            return self._ask(embeddings, prompts, until_s)

    def _ask(
        self, embeddings: list[NDArray[np.float32]], prompts: list[bytes], until_s: float
    ) -> list[Generated]:
        if not self._link.is_open:  # whatever listens there now may be another engine
            self._meet(until_s)
        count = min(len(embeddings), self._engine.most_at_once)
        encode = binary_request if self._engine.binary else json_request
        request_id = str(next(self._numbers))
        request = encode(request_id, np.stack(embeddings[:count]), prompts[:count])
        path = f"{self._address.model_path}/infer"
        reply = self._link.ask(
            "POST",
            path,
            until_s=until_s,
            most_bytes=(1 + count) * MOST_REPLY_BYTES,
            body=request.body,
            headers=request.headers,
        )
        check_status(reply, f"POST {path} at {self._address.place}")
        return decode_answers(reply, request_id=request_id, count=count)

    def _meet(self, until_s: float) -> None:
        def get(path: str) -> Reply:
            return self._link.ask("GET", path, until_s=until_s, most_bytes=MOST_DOCUMENT_BYTES)

        try:
            self._engine = meet(get, self._address, self.info)
        except BaseException:
            self._link.close()  # an open connection is one to an engine that was met
            raise
        self.batches = self._engine.most_at_once > 1
        self.backend = f"{self._engine.name} {self._address.model} at {self._address.place}"
        if not self._engine.verified:
            self.backend += ", model not verified"

    def _checked(self, embedding: NDArray[np.float32]) -> NDArray[np.float32]:
        shape = self.info.embedding_shape
        found = messages.described(embedding)
        if found == f"float32 of shape {shape}":
            if np.isfinite(embedding).all():
                return embedding
            found = "a NaN or infinity"
        raise InvalidInput(f"embedding must be finite float32 of shape {shape}, got {found}")


def _encoded(prompt: str) -> bytes:
    if not isinstance(prompt, str):
        raise InvalidInput(f"prompt must be text, got {type(prompt).__name__}")
    try:
        return prompt.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput(f"prompt must be sound Unicode, got {prompt!r:.100}") from error
