# SPDX-License-Identifier: Apache-2.0
"""Gives every start of the environment's Python what its ROS libraries need, from any shell.

The set-up copies this module into site-packages, beside a `.pth` line that calls :func:`enter`.
The dynamic linker reads LD_LIBRARY_PATH once, before Python runs, hence the second start.
"""

import os
import sys
from collections.abc import Mapping, Sequence

# Holds the process id of a start that was already repeated. A program with file capabilities
# loses LD_LIBRARY_PATH every time and would otherwise start for ever; a child has another id.
_REPEATED = "_COINFER_REPEATED_START"


def joined(first: Sequence[str], inherited: str) -> str:
    """Join ``first`` and then what was inherited, each once.

    >>> joined(["/a/lib", "/b"], "/c:/a/lib:")
    '/a/lib:/b:/c'
    """
    rest = [entry for entry in inherited.split(os.pathsep) if entry]
    return os.pathsep.join(dict.fromkeys([*first, *rest]))


def _without_rivals(inherited: str) -> str:
    """Drop from PYTHONPATH the folders whose rclpy or coinfer_ros would hide our own."""
    entries = [entry for entry in inherited.split(os.pathsep) if entry]
    rivals = ("rclpy", "coinfer_ros")
    return os.pathsep.join(
        entry
        for entry in entries
        if not any(os.path.isdir(os.path.join(entry, name)) for name in rivals)
    )


def wanted(
    environ: Mapping[str, str], *, prefixes: Sequence[str], libraries: Sequence[str]
) -> dict[str, str]:
    """Return the variables that this environment needs; doing so twice changes nothing more."""
    return {
        "AMENT_PREFIX_PATH": joined(prefixes, environ.get("AMENT_PREFIX_PATH", "")),
        "LD_LIBRARY_PATH": joined(libraries, environ.get("LD_LIBRARY_PATH", "")),
        "PYTHONPATH": _without_rivals(environ.get("PYTHONPATH", "")),
    }


def enter(*, prefixes: Sequence[str], libraries: Sequence[str]) -> None:
    """Start this process again with the variables it needs, unless it has them."""
    variables = wanted(os.environ, prefixes=prefixes, libraries=libraries)
    in_place = all(os.environ.get(name, "") == value for name, value in variables.items())
    process = str(os.getpid())
    if in_place or os.environ.get(_REPEATED) == process:
        return
    environ = {**os.environ, **variables, _REPEATED: process}
    os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environ)  # noqa: S606
