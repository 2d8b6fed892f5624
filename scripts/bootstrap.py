# SPDX-License-Identifier: Apache-2.0
"""Starts the set-up of this checkout under a Python that it supports; `make` calls it every time.

This file must parse under any Python 3, so that a machine whose `python3` is too old is told so
in one line.
"""

import argparse
import os
import re
import shutil
import sys

OLDEST, NEWEST = (3, 10), (3, 13)


def wanted_versions(environ):
    """Return the (major, minor) versions that would do, the preferred one first.

    A sourced ROS 2 is built for one Python, which its PYTHONPATH names.
    """
    if environ.get("ROS_DISTRO"):
        named = re.search(r"/python(\d+)\.(\d+)/", environ.get("PYTHONPATH", ""))
        if named:
            return [(int(named.group(1)), int(named.group(2)))]
    return [(3, minor) for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]


def complaint(running, wanted, environ):
    """Say in one line why this Python will not do."""
    have = "this is Python {}.{}".format(*running)
    if environ.get("ROS_DISTRO") and len(wanted) == 1:
        name = "python{}.{}".format(*wanted[0])
        return (
            "the sourced ROS 2 ({}) is built for {} and {}: install {} and its venv module, "
            "or open a shell where no ROS is sourced".format(
                environ["ROS_DISTRO"], name, have, name
            )
        )
    return (
        "Python {}.{} to {}.{} is needed and {}: install one, then run "
        "make PYTHON=python3.12 (or whichever it is)".format(*OLDEST, *NEWEST, have)
    )


def main():
    """Re-execute under a Python that will do, or run the set-up in this one."""
    parser = argparse.ArgumentParser(description="Set up .venv: packages, messages, this package.")
    parser.add_argument(
        "--exact-python",
        action="store_true",
        help="rebuild an intact environment that was made with another Python",
    )
    options = parser.parse_args()
    running, wanted = sys.version_info[:2], wanted_versions(os.environ)
    if running not in wanted:
        names = [] if options.exact_python else ["python{}.{}".format(*v) for v in wanted]
        for found in filter(None, map(shutil.which, names)):
            os.execv(found, [found, *sys.argv])  # noqa: S606
        return "set-up: " + complaint(running, wanted, os.environ)
    import setup_steps  # noqa: PLC0415 - needs the Python that was just checked

    return setup_steps.run(exact_python=options.exact_python)


if __name__ == "__main__":
    sys.exit(main())
