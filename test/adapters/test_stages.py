# SPDX-License-Identifier: Apache-2.0
"""A stage reports what happened to the embedding on its way to the wire."""

from __future__ import annotations

import numpy as np
import pytest

from coinfer_ros.adapters.stages import HeadStage
from coinfer_ros.adapters.unmetered import Unmetered
from coinfer_ros.core import wire

EMBEDDING = np.random.default_rng(0).normal(size=(5, 40)).astype(np.float32)


class KnownHead:
    """A head whose embedding the test knows."""

    bits = 8
    backend = "known"

    def embed(self, image):  # noqa: ARG002
        return EMBEDDING


@pytest.mark.parametrize("wire_bits", wire.WIRE_BITS)
def test_a_report_says_what_the_wire_lost(wire_bits):
    here = Unmetered()
    stage = HeadStage(KnownHead(), accelerator=here, meter=here, clock=here, flop=1.0, full_bits=16)
    report = stage.run(np.zeros((1, 1, 3), np.uint8), wire_bits)
    stage.close()
    assert report.backend == "known"
    error = np.abs(wire.decode(report.payload) - EMBEDDING).mean(dtype=np.float64)
    assert report.wire_distortion.mean == pytest.approx(error, rel=1e-12)
    relative = error / np.abs(EMBEDDING).mean(dtype=np.float64)
    assert report.wire_distortion.relative == pytest.approx(relative, rel=1e-12)
    assert (report.wire_distortion.mean > 0.0) == (wire_bits < 32)
