# SPDX-License-Identifier: Apache-2.0
"""What the framework adds to a request at several payloads, beside what the model itself takes."""

from __future__ import annotations

from coinfer_ros.msg import Answer

from bench import shipped
from bench.asking import answers
from bench.options import Options
from bench.section import Section, verdict
from bench.stats import PERCENTILES, Spread, spread, timed

CHANNELS = 128
BYTES_A_VALUE = 2
PAYLOADS_KIB = (16, 64, 256, 1024)
TARGET_S = 3e-3
TARGET_UP_TO_KIB = 256

PARTS = ("encode", "messages and ROS round trip", "decode", "total")


def measure(options: Options) -> Section:
    """Send requests of each payload through the real nodes, then run the model alone."""
    rows: list[tuple[str, ...]] = []
    totals: dict[int, Spread] = {}
    shapes = [(kib * 1024 // BYTES_A_VALUE // CHANNELS, CHANNELS) for kib in PAYLOADS_KIB]
    received = answers(shapes, rounds=options.rounds(1000, 100))
    for kib, good in zip(PAYLOADS_KIB, received, strict=True):
        parts = _parts(good)
        rows += [(_size(kib), name, *part.cells(1e3)) for name, part in parts.items()]
        totals[kib] = parts["total"]
    rows += _model_rows(options)
    worst = max((totals[kib].p50, kib) for kib in PAYLOADS_KIB if kib <= TARGET_UP_TO_KIB)
    return Section(
        title="Overhead of a request",
        columns=("payload", "part", *(f"{p}, ms" for p in PERCENTILES)),
        rows=tuple(rows),
        verdicts=(
            verdict(
                f"at or under {TARGET_S * 1e3:.0f} ms (median) up to {TARGET_UP_TO_KIB} KiB",
                met=worst[0] <= TARGET_S,
                seen=f"{worst[0] * 1e3:.2f} ms at {worst[1]} KiB",
            ),
        ),
        reading=(
            "The nodes `robot` and `edge` as they ship, each its own process, with halves of a "
            "model that answer at once; one request after another, 16 bits a value on the wire, "
            "times from the answers themselves. Total: from taking the image to the answer, "
            "without head and tail. Encode and decode: `core.wire` in the two nodes. Between them "
            "lie the messages both ways, the edge's checks and the hand-overs between threads. "
            "The image's way to the robot is left out. The model's rows are one call of each half "
            "on one thread of this machine, without ROS."
        ),
    )


def _parts(received: list[Answer]) -> dict[str, Spread]:
    encode = [a.encode_s for a in received]
    decode = [a.decode_s for a in received]
    total = [a.total_s - a.head_s - a.tail_s for a in received]
    rest = [whole - sum(coding) for whole, *coding in zip(total, encode, decode, strict=True)]
    return dict(zip(PARTS, map(spread, (encode, rest, decode, total)), strict=True))


def _model_rows(options: Options) -> list[tuple[str, ...]]:
    head, tail, image = shipped.head(options), shipped.tail(options), shipped.image(options)
    embedding = head.embed(image)
    size = _size(embedding.size * BYTES_A_VALUE / 1024)
    rounds = options.rounds(200, 20)
    halves = {
        "head, 16 bits": timed(lambda: head.embed(image), rounds=rounds),
        "tail": timed(lambda: tail.answer(embedding, ""), rounds=rounds),
    }
    return [(size, f"shipped model's {name}", *s.cells(1e3)) for name, s in halves.items()]


def _size(kib: float) -> str:
    return f"{kib / 1024:g} MiB" if kib >= 1024 else f"{kib:.4g} KiB"
