# SPDX-License-Identifier: Apache-2.0
"""Writes a file that a flag names, whole or not at all."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from coinfer_ros.core.errors import InvalidInput, Unavailable


def check_file(flag: str, text: str, *, ending: str = "") -> None:
    """Check that a flag names a file.

    :param ending: what the name must end in.
    :raises InvalidInput: when it does not.
    """
    path = Path(text).expanduser()
    if not path.name or path.is_dir() or not path.name.lower().endswith(ending):
        rule = f"a file that ends in {ending}" if ending else "a file"
        raise InvalidInput(f"{flag} must be {rule}, got {text!r}")


def write(flag: str, text: str, content: bytes) -> None:
    """Write a file and say so; one that stands there is replaced at once or not at all.

    :raises Unavailable: when it cannot be written.
    """
    path = Path(text).expanduser()
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    except OSError as error:
        raise Unavailable(
            f"{flag} must be a file that can be written, got {text!r}: {error.strerror}"
        ) from error
    print(f"wrote {text}", file=sys.stderr)
