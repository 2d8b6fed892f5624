# SPDX-License-Identifier: Apache-2.0
"""Keeps a thread that works beside others from starting threads of its own."""

from __future__ import annotations

import ctypes

import torch


def compute_alone() -> None:
    """Let torch use one core in the calling thread, and in no other.

    ``torch.set_num_threads`` would set it for every thread that is yet to start. OpenMP's own call
    is this thread's alone; where torch was built without OpenMP there is none, and no need.
    """
    torch.get_num_threads()  # torch sets a thread up when first asked, and would undo the call
    alone = getattr(ctypes.CDLL(None), "omp_set_num_threads", None)
    if alone is not None:
        alone(1)
