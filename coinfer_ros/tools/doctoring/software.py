# SPDX-License-Identifier: Apache-2.0
"""Looks at the libraries that run models, and at the room for models."""

from __future__ import annotations

import os
import platform
import shutil
from collections.abc import Iterator, Mapping
from functools import partial
from importlib import metadata
from pathlib import Path

from coinfer_ros import __version__
from coinfer_ros.tools.doctoring.apart import Check
from coinfer_ros.tools.doctoring.finding import Finding, Status

AREA = "software"
# A model of two thousand million parameters, 16 bits each.
LEAST_FREE_BYTES = 5e9


def checks(root: Path, environ: Mapping[str, str]) -> list[Check]:
    """Return the checks of the software.

    :param root: where ``proc`` hangs.
    """
    return [
        Check(AREA, "coinfer", partial(_versions)),
        Check(AREA, "torch", partial(_torch, root), late=Status.LIMITED),
        Check(AREA, "disk", partial(_disk, environ)),
    ]


def _versions() -> Iterator[Finding]:
    words = f"coinfer_ros {__version__}, Python {platform.python_version()}, {platform.machine()}"
    yield Finding(AREA, "coinfer", Status.GOOD, words)
    try:
        words = metadata.version("transformers")
    except metadata.PackageNotFoundError:
        words = "cannot be imported: only the models that ship, and simulated boards, run"
        yield Finding(AREA, "transformers", Status.MISSING, words, "pip install transformers")
    else:
        yield Finding(AREA, "transformers", Status.GOOD, words)


def _torch(root: Path) -> Iterator[Finding]:
    os.nice(10)  # seconds of a core, in which others measure
    try:
        import torch  # noqa: PLC0415
    except ImportError as error:
        yield Finding(AREA, "torch", Status.MISSING, f"cannot be imported: {error}")
        return
    has_driver = (root / "proc/driver/nvidia/version").exists()
    if torch.cuda.is_available():
        words = (
            f"{torch.__version__} with CUDA {torch.version.cuda}: {torch.cuda.get_device_name(0)}"
        )
        yield Finding(AREA, "torch", Status.GOOD, words)
    elif has_driver:
        words = f"{torch.__version__} cannot use the NVIDIA GPU that is here (built for CUDA "
        words += f"{torch.version.cuda or 'none'}); it computes on the CPU"
        yield Finding(AREA, "torch", Status.LIMITED, words)
    else:
        words = f"{torch.__version__} without CUDA: it computes on the CPU"
        yield Finding(AREA, "torch", Status.GOOD, words)


def _disk(environ: Mapping[str, str]) -> Iterator[Finding]:
    wanted = Path(environ.get("HF_HOME") or environ.get("HOME") or "/")
    folder = next(path for path in (wanted, *wanted.parents) if path.exists())
    free_bytes = shutil.disk_usage(folder).free
    status = Status.GOOD if free_bytes >= LEAST_FREE_BYTES else Status.LIMITED
    yield Finding(AREA, "disk", status, f"{free_bytes / 1e9:.1f} GB free for models in {folder}")
