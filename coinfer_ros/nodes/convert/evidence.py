# SPDX-License-Identifier: Apache-2.0
"""Answers to traces, and traces to what the controller learns from."""

from __future__ import annotations

import math
from collections.abc import Sequence

from coinfer_ros.core import limits
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.learning import Measured
from coinfer_ros.core.model import WEIGHT_BITS
from coinfer_ros.msg import Answer, Trace

# A difference of two clocks' readings may be a little less than nothing.
_SECONDS, _JOULES = limits.Limits(-1.0, 3600.0, "s"), limits.Limits(-1e6, 1e6, "J")
# What a trace says of stages: NaN where it is not known.
_MEASURED = (
    "head_s",
    "encode_s",
    "transmit_s",
    "decode_s",
    "queue_s",
    "tail_s",
    "total_s",
    "round_trip_s",
    "head_j",
    "tail_j",
    "energy_j",
    "wire_distortion",
)


def message_to_measured(trace: Trace, edges: Sequence[str]) -> Measured:
    """Check what a trace says was measured.

    :param edges: the edges' names; where none answered, the first stands for it.
    :raises InvalidInput: naming the field, its rule and what came.
    """
    if trace.weight_bits not in WEIGHT_BITS:
        raise InvalidInput(f"weight_bits must be one of {WEIGHT_BITS}, got {trace.weight_bits}")
    for name in ("robot_clock_hz", "edge_clock_hz"):
        _known(name, getattr(trace, name), limits.CLOCK_HZ)
    for name in _MEASURED:
        _known(name, getattr(trace, name), _JOULES if name.endswith("_j") else _SECONDS)
    if trace.edge and trace.edge not in edges:
        raise InvalidInput(f"edge must be one of {', '.join(edges)}, got {trace.edge[:64]!r}")
    return Measured(
        bits=trace.weight_bits,
        wire_bits=trace.wire_bits,
        payload_bytes=trace.embedding_bytes,
        tokens=trace.tokens,
        edge=edges.index(trace.edge) if trace.edge else 0,
        cut=trace.cut,
        robot_clock_hz=trace.robot_clock_hz,
        edge_clock_hz=trace.edge_clock_hz,
        head_s=trace.head_s,
        coding_s=trace.encode_s + trace.decode_s,
        transmit_s=trace.transmit_s,
        queue_s=trace.queue_s,
        tail_s=trace.tail_s,
        total_s=trace.total_s,
        head_j=trace.head_j,
        tail_j=trace.tail_j,
        total_j=trace.energy_j,
        round_trip_s=trace.round_trip_s,
        wire_loss=trace.wire_distortion,
        weight_rate=limits.WEIGHT_RATE.check("weight_rate", trace.weight_rate),
        # Sent to an edge that was there, and given up.
        overdue=trace.status == Answer.LATE and bool(trace.edge) and trace.embedding_bytes > 0,
    )


def _known(name: str, value: float, allowed: limits.Limits) -> None:
    if not math.isnan(value):  # NaN says that it is not known
        allowed.check(name, value)


def unknown_answer(**fields: object) -> Answer:
    """Return an answer whose every measured figure is NaN until it is measured."""
    message = Answer(**fields)
    for name, kind in Answer.get_fields_and_field_types().items():
        if kind == "double" and name not in fields:
            setattr(message, name, math.nan)
    return message


def answer_to_trace(answer: Answer, **fields: object) -> Trace:
    """Return the trace of an answer: what both messages name, and ``fields`` beside it."""
    both = Answer.get_fields_and_field_types().keys() & Trace.get_fields_and_field_types().keys()
    return Trace(**{name: getattr(answer, name) for name in both}, **fields)
