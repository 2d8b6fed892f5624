# SPDX-License-Identifier: Apache-2.0
"""Makes messages of which each breaks a rule of its receiver out of real ones."""

from __future__ import annotations

import math
from array import array
from copy import deepcopy

from builtin_interfaces.msg import Time
from coinfer_ros.msg import Answer, Embedding, Trace
from rclpy.serialization import serialize_message

LARGE_BYTES = 4 * 1024 * 1024
LARGE_EVERY = 200  # sequences of bytes
STRANGER = "stranger"

TEXTS = ("", "robot", STRANGER, "x" * 65, "é" * 33, "y" * 1025, "z" * 100_000, "a\0b", "\U0010ffff")
DOUBLES = (math.nan, math.inf, -math.inf, -0.0, -1.0, 0.0, 5e-324, 1e300, -1e300)


def one_of(*values):
    return lambda rng: rng.choice(values)


def whole(bits):
    return lambda rng: rng.choice((0, 1, 2**bits - 1, rng.getrandbits(bits)))


def sequence(code):
    """Return a maker of sequences of any bits, a few of which are large."""

    def make(rng):
        items = array(code)
        most = LARGE_BYTES if rng.randrange(LARGE_EVERY) == 0 else rng.choice((0, 64, 20_000))
        items.frombytes(rng.randbytes(most // items.itemsize * items.itemsize))
        return items

    return make


def text(rng):
    letters = "".join(chr(rng.randrange(0xD800)) for _ in range(rng.randrange(20)))
    return rng.choice((*TEXTS, letters))


WILD = {
    "boolean": one_of(False, True),
    "uint8": whole(8),
    "uint16": whole(16),
    "uint32": whole(32),
    "uint64": whole(64),
    "double": lambda rng: rng.choice((*DOUBLES, rng.uniform(-1e9, 1e9))),
    "string": text,
    "sequence<uint8>": sequence("B"),
    "sequence<uint32>": sequence("I"),
    "sequence<float>": sequence("f"),
    "builtin_interfaces/Time": lambda rng: Time(
        sec=rng.randrange(-(2**31), 2**31), nanosec=rng.getrandbits(32)
    ),
}
CLOCKS = one_of(0.0, -1.0, 1e300, math.inf)
FIGURES = one_of(math.inf, 1e300, -1e300)
WIDTHS = one_of(0, 1, 17, 255)
# What no receiver may take: at least one of these is put into every message.
BROKEN = {
    Embedding: {
        "schema": one_of(0, 2, 255),
        "robot_id": one_of("", "x" * 65, "é" * 33),
        "model_fingerprint": text,
        "cut": text,
        "weight_bits": WIDTHS,
        "deadline_s": one_of(math.nan, math.inf, 0.0, -1.0, 1e9),
        "shape": one_of([], [17], [128, 17], [2**32 - 1] * 2, [17, 128, 1], [0, 0], [7] * 10_000),
        "wire_bits": one_of(0, 1, 5, 255),
        "law": one_of(200, 255),
        "data": lambda rng: sequence("B")(rng)[1:],  # of an odd length, or empty
        "prompt": one_of("y" * 1025, "é" * 513, "z" * 100_000),
    },
    Trace: {
        "weight_bits": WIDTHS,
        "edge": one_of(STRANGER, "z" * 100_000),
        "robot_clock_hz": CLOCKS,
        "edge_clock_hz": CLOCKS,
        "total_s": FIGURES,
        "energy_j": FIGURES,
        "weight_rate": one_of(math.nan, math.inf, 0.0, -1.0, 1e300),
    },
    Answer: {
        "robot_id": one_of("", STRANGER, "Robot", "x" * 65, "z" * 100_000),
        "model_fingerprint": text,
        # A robot counts up from a number of 48 bits.
        "request_id": lambda rng: rng.randrange(2**50, 2**64),
    },
}


def spoiled(real, rng):
    """Return a copy in which one to three rules are broken and a few other fields are anything."""
    message, rules = deepcopy(real), BROKEN[type(real)]
    kinds = real.get_fields_and_field_types()
    others = sorted(kinds.keys() - rules.keys())
    for name in rng.sample(others, min(rng.randrange(5), len(others))):
        setattr(message, name, WILD[kinds[name]](rng))
    for name in rng.sample(sorted(rules), rng.randint(1, 3)):
        setattr(message, name, rules[name](rng))
    return message


def not_numbers(real, rng):
    """Return a stranger's embedding that is whole, only that some of its values are no numbers."""
    message = deepcopy(real)
    message.robot_id, message.wire_bits, message.law, message.scales = STRANGER, 32, 0, []
    values = array("f", bytes(4 * math.prod(real.shape)))
    for _ in range(rng.randint(1, 9)):
        values[rng.randrange(len(values))] = rng.choice((math.nan, math.inf, -math.inf))
    message.data = values.tobytes()
    return message


def torn(real, rng):
    """Return a message that would be refused whole, serialized, with some of its bytes wrong."""
    message = deepcopy(real)
    message.robot_id = STRANGER
    if not isinstance(real, Answer):
        message.weight_bits = 0
    data = bytearray(serialize_message(message))
    for _ in range(rng.randrange(8)):
        data[rng.randrange(4, len(data))] = rng.choice((0, 1, 127, 128, 255))
    length = rng.choice((len(data), rng.randrange(len(data))))
    return bytes(data[:length] + rng.randbytes(rng.randrange(8)))
