# SPDX-License-Identifier: Apache-2.0
"""Opens a checkpoint folder as a robot half and an edge half, whatever its family."""

from __future__ import annotations

from pathlib import Path

from coinfer_ros.adapters import git
from coinfer_ros.core.model import Head, ModelInfo, Tail


def describe(path: str | Path, *, cut: str = "") -> ModelInfo:
    """Describe a checkpoint without loading a weight."""
    return git.describe(path)


def open_head(path: str | Path, *, cut: str = "") -> Head:
    """Load the robot's half, and no other weight."""
    return git.GitHead.load(path)


def open_tail(path: str | Path, *, cut: str = "", max_new_tokens: int = git.MAX_NEW_TOKENS) -> Tail:
    """Load the edge's half, and no other weight."""
    return git.GitTail.load(path, max_new_tokens=max_new_tokens)
