# SPDX-License-Identifier: Apache-2.0
"""Parameters of the impaired_link node."""

from __future__ import annotations

from dataclasses import dataclass

from coinfer_ros.core.settings import setting
from coinfer_ros.parameters.common import AUTOSTART, EDGE_ID


@dataclass(frozen=True)
class ImpairedLinkSettings:
    """Parameters of the impaired_link node."""

    autostart: bool = setting(*AUTOSTART)
    edge_id: str = setting(*EDGE_ID)
    delay_s: float = setting(
        "link.delay_s",
        0.0,
        "Delay of each message between robot and edge, each way, s.",
        low=0.0,
        high=10.0,
        live=True,
    )
    jitter_s: float = setting(
        "link.jitter_s",
        0.0,
        "Delay beyond that on average, s; most messages have less. Their order is kept.",
        low=0.0,
        high=10.0,
        live=True,
    )
    lost: float = setting(
        "link.lost",
        0.0,
        "Share of messages that do not arrive, whatever their topic's QoS.",
        low=0.0,
        high=1.0,
        live=True,
    )
    goodput_bps: float = setting(
        "link.goodput_bps",
        0.0,
        "Bits of messages a second, each way; what is more waits for its turn. 0: no limit.",
        low=0.0,
        high=1e12,
        live=True,
    )
    gone_from_s: float = setting(
        "link.gone_from_s",
        0.0,
        "When the link breaks off, s after activation.",
        low=0.0,
        high=86400.0,
        live=True,
    )
    gone_for_s: float = setting(
        "link.gone_for_s",
        0.0,
        "How long it then stays away, s; 0: it does not break off.",
        low=0.0,
        high=3600.0,
        live=True,
    )
    gone: bool = setting(
        "link.gone",
        False,
        "true: the link is broken off, until this is false again.",
        live=True,
    )
    seed: int = setting(
        "link.seed",
        0,
        "Of jitter and losses: the n-th message of a topic meets the same each time.",
        low=0,
        high=2**32 - 1,
    )
