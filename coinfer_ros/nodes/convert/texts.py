# SPDX-License-Identifier: Apache-2.0
"""The lengths that texts of messages may have."""

from __future__ import annotations

from coinfer_ros.core.errors import InvalidInput

LONGEST_NAME_BYTES = 64
LONGEST_PROMPT_BYTES = 1024
LONGEST_REASON = 500


def check_text(name: str, value: str, most_bytes: int) -> None:
    """Check that a text is no longer than may be.

    :raises InvalidInput: naming the field, its rule and what came.
    """
    size = len(value.encode("utf-8", "surrogatepass"))
    if size > most_bytes:
        raise InvalidInput(f"{name} must be at most {most_bytes} bytes, got {size}")


def check_name(field: str, name: str) -> str:
    """Return a robot's name that may stand in a message.

    :raises InvalidInput: naming the field, its rule and what came.
    """
    check_text(field, name, LONGEST_NAME_BYTES)
    if not name:
        raise InvalidInput(f"{field} must not be empty, got ''")
    return name
