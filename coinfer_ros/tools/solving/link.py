# SPDX-License-Identifier: Apache-2.0
"""The link between the machines, as flags."""

from __future__ import annotations

import argparse
from collections.abc import Mapping

from coinfer_ros.core import limits
from coinfer_ros.core.costs import Link
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.profile import Profile
from coinfer_ros.tools.arguments import Parser, add_number
from coinfer_ros.tools.solving.words import add_unchecked, refuse


def add_flags(parser: Parser) -> None:
    """Add the flags of the link."""
    for name, allowed, text, default in (
        ("--payload-bytes", limits.PAYLOAD_BYTES, "what crosses the link both ways", 0.0),
        ("--goodput-bps", limits.GOODPUT_BPS, "payload bits a second of the link", 100e6),
        ("--round-trip-s", limits.ROUND_TRIP_S, "an empty message's way there and back", 0.0),
        ("--radio-w", limits.POWER_W, "the robot's radio while the payload is on the air", 0.0),
    ):
        add_number(parser, name, allowed, text=text, default=default)
    add_unchecked(
        parser,
        "--wire-bits",
        metavar="BITS",
        text="in place of --payload-bytes: bits a value of the embedding; a profile has its bytes",
    )


def link(arguments: argparse.Namespace, profiles: Mapping[str, Profile]) -> Link:
    """Return the link that the flags describe.

    :param profiles: by the flag that gave them; the first knows the bytes of ``--wire-bits``.
    :raises InvalidInput: when the payload is given twice, or no profile has its bytes.
    """
    payload_bytes = arguments.payload_bytes
    if arguments.wire_bits is not None:
        refuse(
            arguments.given,
            ["--payload-bytes"],
            purpose="a payload in bytes",
            got="with --wire-bits",
        )
        payload_bytes = _embedding_bytes(arguments.wire_bits, profiles)
    return Link(
        payload_bytes=payload_bytes,
        goodput_bps=arguments.goodput_bps,
        round_trip_s=arguments.round_trip_s,
        radio_w=arguments.radio_w,
    )


def _embedding_bytes(wire_bits: object, profiles: Mapping[str, Profile]) -> float:
    if not profiles:
        raise InvalidInput(
            "--wire-bits is for a profile, which has the embedding's bytes, got it without: give "
            "--payload-bytes"
        )
    name, profile = next(iter(profiles.items()))
    sizes = {size.wire_bits: float(size.size_bytes) for size in profile.wire}
    if wire_bits not in sizes:
        known = ", ".join(map(str, sizes)) or "none"
        raise InvalidInput(
            f"--wire-bits must be one that {name} has the bytes of, {known}, got {wire_bits!r}"
        )
    return sizes[wire_bits]
