# SPDX-License-Identifier: Apache-2.0
"""An engine that serves a small pretended tail."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

import numpy as np
import pytest

from coinfer_ros.core.model import Generated, ModelInfo

from .stand_in import StandIn


@pytest.fixture(scope="session")
def info() -> ModelInfo:
    return ModelInfo("ab" * 32, "block2", (3, 4), 10, 20, 30.0, 40.0)


def digest(embedding: np.ndarray, prompt: str) -> Generated:
    """Answer with every bit of the embedding and the prompt."""
    bits = hashlib.sha256(embedding.astype("<f4").tobytes()).hexdigest()
    return Generated(f"{prompt}|{bits} é", len(prompt))


@pytest.fixture
def engine(info: ModelInfo) -> Iterator[StandIn]:
    served = StandIn(info, digest)
    yield served
    served.stop()
