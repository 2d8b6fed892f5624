# SPDX-License-Identifier: Apache-2.0
"""No test is timed (a shared machine would fail those that hypothesis finds slow); MuJoCo draws."""

import ctypes.util
import os

from hypothesis import settings

settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")

# Of several processes each gets a thread: torch's, more than cores, would wait for one another.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.setdefault("OMP_NUM_THREADS", "1")

# MuJoCo chooses how it draws as it is imported, and the first test that looks whether it is here
# imports it.
if "MUJOCO_GL" not in os.environ:
    os.environ["MUJOCO_GL"] = "egl" if ctypes.util.find_library("EGL") else "osmesa"
