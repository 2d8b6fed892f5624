# SPDX-License-Identifier: Apache-2.0
"""Writes a measured profile as one JSON file and reads it back, refusing what is none."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

from coinfer_ros.core.errors import InvalidInput, Unavailable
from coinfer_ros.core.profile import Profile, from_plain, to_plain

# A list of plain values, which reads better in one line.
_INNERMOST = re.compile(r"\[[^\[\]{}]+\]")
_BREAK = re.compile(r"\s*\n\s*")


def write(profile: Profile, path: Path) -> None:
    """Write a profile; a file that stands there is replaced at once or not at all.

    :raises Unavailable: when it cannot be written.
    """
    spread = json.dumps(to_plain(profile), indent=1, allow_nan=False)
    text = _INNERMOST.sub(lambda found: _BREAK.sub(" ", found.group()), spread)
    beside = path.with_name(f"{path.name}.new")
    try:
        beside.write_text(f"{text}\n", encoding="utf-8")
        os.replace(beside, path)
    except OSError as error:
        raise Unavailable(f"{path} must be a file that can be written, got {error}") from error


def read(path: Path, *, name: str) -> Profile:
    """Read a profile.

    :param name: the parameter or argument that names the file, for messages.
    :raises Unavailable: when the file cannot be read.
    :raises InvalidInput: naming the file and the format or field that is not as it should be.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Unavailable(f"{name} must be a readable file, got {str(path)!r}: {error}") from error
    except ValueError as error:  # JSONDecodeError and UnicodeDecodeError are ones
        raise InvalidInput(f"{name} must be JSON, got {str(path)!r}: {error}") from error
    try:
        return from_plain(content)
    except InvalidInput as error:
        raise InvalidInput(f"{name} {str(path)!r}: {error}") from error
