# SPDX-License-Identifier: Apache-2.0
"""What the set-up needs of the machine, each with the one line that says how to get it."""

from __future__ import annotations

import ctypes
import os
import platform
import shlex
import shutil
import struct
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path

import setup_rules as rules
from setup_rules import Ros, SetupError


def version() -> str:
    """Return the running Python's version as folders name it."""
    return f"{sys.version_info[0]}.{sys.version_info[1]}"


def own_prefixes(environ: Mapping[str, str]) -> list[str]:
    """Return the prefixes in AMENT_PREFIX_PATH that hold an installation of this very package."""
    prefixes = environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    return [p for p in prefixes if p and os.path.isdir(os.path.join(p, "share", "coinfer_ros"))]


def check_machine(ros: Ros | None, folder: Path) -> None:
    """Check all that a full set-up needs before it touches anything.

    :raises SetupError: naming the first thing that is missing.
    """
    checks = (
        _wrong_machine,
        _missing_venv,
        _missing_compiler,
        _missing_headers,
        lambda _ros: rules.disk_complaint(shutil.disk_usage(folder).free, cuda=has_gpu()),
        _unusable_ros,
    )
    for check in checks:
        complaint = check(ros)
        if complaint:
            raise SetupError(complaint)


def _wrong_machine(ros: Ros | None) -> str | None:
    bits = 8 * struct.calcsize("P")
    return rules.machine_complaint(
        system=platform.system(), machine=platform.machine(), bits=bits, ros=ros
    )


def _missing_venv(_ros: Ros | None) -> str | None:
    try:
        import ensurepip  # noqa: PLC0415 - Debian ships it and venv apart from Python
        import venv  # noqa: F401, PLC0415

        ensurepip.version()
    except (ImportError, AttributeError, OSError):
        return f"Python's venv module is missing: sudo apt install python{version()}-venv"
    return None


def _missing_compiler(_ros: Ros | None) -> str | None:
    for variable, language, names in (
        ("CC", "C", ("cc", "gcc", "clang")),
        ("CXX", "C++", ("c++", "g++", "clang++")),
    ):
        chosen = shlex.split(os.environ.get(variable, ""))[:1] or names
        if not any(map(shutil.which, chosen)):
            return f"no {language} compiler ({', '.join(chosen)}): sudo apt install build-essential"
    return None


def _missing_headers(_ros: Ros | None) -> str | None:
    if Path(sysconfig.get_paths()["include"], "Python.h").is_file():
        return None
    return f"Python's headers are missing: sudo apt install python{version()}-dev"


def _unusable_ros(ros: Ros | None) -> str | None:
    if ros is None:
        return None
    trial = subprocess.run(
        [sys.executable, "-c", "import rclpy._rclpy_pybind11"],
        capture_output=True,
        text=True,
        check=False,
    )
    if trial.returncode == 0 or "numpy" in trial.stderr or "yaml" in trial.stderr:
        return None
    reason = (trial.stderr.strip().splitlines() or ["no reason given"])[-1]
    return (
        f"the sourced ROS 2 ({ros.distro}) does not work with Python {version()} ({reason}): "
        "run make PYTHON=... with the Python that it was built for"
    )


def has_gpu() -> bool:
    """Say whether an NVIDIA driver answers with a GPU."""
    tool = shutil.which("nvidia-smi")
    if not tool:
        return False
    listed = subprocess.run([tool, "-L"], capture_output=True, text=True, check=False)  # noqa: S603
    return listed.returncode == 0 and "GPU" in listed.stdout


def has_opengl() -> bool:
    """Say whether the library that OpenCV's windows need can be loaded."""
    try:
        ctypes.CDLL("libGL.so.1")
    except OSError:
        return False
    return True
