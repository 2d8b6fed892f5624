# SPDX-License-Identifier: Apache-2.0
"""Opens the edge's half where another program, an inference engine, serves it."""

from __future__ import annotations

from coinfer_ros.adapters.engines.address import parse_address
from coinfer_ros.adapters.engines.kserve import KServeTail
from coinfer_ros.core.model import ModelInfo

__all__ = ["KServeTail", "open_engine"]


def open_engine(url: str, info: ModelInfo, *, timeout_s: float) -> KServeTail:
    """Meet an engine, and refuse it unless it serves this tail; see :class:`kserve.KServeTail`.

    :param url: ``kserve://host:port/model[/version]``.
    :param info: of the wanted tail, as :func:`coinfer_ros.adapters.models.describe` gives it
        without a weight.
    :param timeout_s: an answer takes no longer, s.
    :raises InvalidInput: when an argument breaks its rule, or the engine serves something else.
    :raises Unavailable: when nobody answers there, or not yet.
    :raises PeerTimeout: when the answers take longer.
    """
    return KServeTail(parse_address(url), info, timeout_s=timeout_s)
