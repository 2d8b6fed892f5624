# SPDX-License-Identifier: Apache-2.0
"""The parts of a measured profile; NaN is what was not measured, and never 0."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from coinfer_ros.core import checks
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.profile.fields import Table, filled, frozen_table, measured_or_nan

SERVED = "served"  # the quantizer that the head itself runs with, whatever it is
_MOST = 10**12


@dataclass(frozen=True)
class Device:
    """The machine that was measured.

    :param processor: name of its CPU, or of the whole board.
    :param accelerator: name of its GPU; empty: none.
    :param cores: CPU cores that may be used.
    :param threads: CPU threads that one operation is split over.
    :param torch: version of torch.
    :param backend: what executed and measured, as in ``device.backend``.
    :param mode: name of the simulated board, else the power mode; empty: not known.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    processor: str
    accelerator: str
    cores: int
    threads: int
    torch: str
    backend: str
    mode: str

    def __post_init__(self) -> None:
        checks.whole("cores", self.cores, low=1, high=_MOST)
        checks.whole("threads", self.threads, low=1, high=_MOST)
        filled("processor", self.processor)
        filled("backend", self.backend)


@dataclass(frozen=True, eq=False)
class Latency:
    """How long the half takes, B widths by F clocks: percentiles of what was measured.

    :param p50_s: (B, F) half of the runs took no longer, s; the others likewise.
    :param samples: least number of runs behind a setting.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    p50_s: Table
    p90_s: Table
    p95_s: Table
    p99_s: Table
    samples: int

    def __post_init__(self) -> None:
        checks.whole("samples", self.samples, low=1, high=_MOST)
        below = np.zeros(1)
        for name in ("p50_s", "p90_s", "p95_s", "p99_s"):
            table = frozen_table(self, name, axes=2)
            if not (np.isfinite(table) & (table > 0.0)).all():
                raise InvalidInput(f"{name} must be finite and above 0, got {table.min()}")
            if below.size > 1 and (below.shape != table.shape or (table < below).any()):
                raise InvalidInput(f"{name} must be at least the percentile before it")
            below = table


@dataclass(frozen=True, eq=False)
class Energy:
    """What one run takes above idle; NaN where there is no meter.

    :param mean_j: (B, F) mean of the runs, J.
    :param error_j: (B, F) bound of its error, J; NaN where ``mean_j`` is.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    mean_j: Table
    error_j: Table

    def __post_init__(self) -> None:
        mean, error = (frozen_table(self, name, axes=2) for name in ("mean_j", "error_j"))
        measured_or_nan("mean_j", mean, low=-np.inf)
        measured_or_nan("error_j", error, low=0.0)
        if mean.shape != error.shape or (np.isnan(mean) != np.isnan(error)).any():
            raise InvalidInput("error_j must be NaN where mean_j is and nowhere else")


@dataclass(frozen=True)
class WireSize:
    """What one embedding takes on the wire.

    :param wire_bits: bits a value.
    :param size_bytes: bytes of data and scales.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    wire_bits: int
    size_bytes: int

    def __post_init__(self) -> None:
        checks.whole("wire_bits", self.wire_bits, low=1, high=64)
        checks.whole("size_bytes", self.size_bytes, low=1, high=_MOST)


@dataclass(frozen=True)
class Magnitudes:
    """The exponential law fitted to some weights, arXiv 2602.13052, eq. (3).

    :param name: the tensor's; empty: all of the half's.
    :param count: weights.
    :param weight_rate: λ by maximum likelihood, 1/weight unit; inf for zeros alone.
    :param ks: Kolmogorov-Smirnov distance of the law from the weights, in [0, 1].
    :raises InvalidInput: naming the field, its rule and what came.
    """

    name: str
    count: int
    weight_rate: float
    ks: float

    def __post_init__(self) -> None:
        checks.whole("count", self.count, low=1, high=_MOST)
        checks.number("ks", self.ks, low=0.0, high=1.0)
        if not self.weight_rate > 0.0:
            raise InvalidInput(f"weight_rate must be above 0, got {self.weight_rate}")


@dataclass(frozen=True, eq=False)
class Distortion:
    """What one quantizer does to the half at each width.

    :param quantizer: its name; ``served`` is the one that the head itself runs with.
    :param parameter: (B,) mean absolute error of a weight, eq. (15) a weight, weight units.
    :param output: (B,) mean over inputs of the embedding's L1 error, units of the embedding.
    :param output_share: (B,) the same over the embedding's L1 norm.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    quantizer: str
    parameter: Table
    output: Table
    output_share: Table

    def __post_init__(self) -> None:
        filled("quantizer", self.quantizer)
        for name in ("parameter", "output", "output_share"):
            measured_or_nan(name, frozen_table(self, name, axes=1), low=0.0)


@dataclass(frozen=True, eq=False)
class Quality:
    """How good the whole model's answers are with the half at each width.

    :param exact_match: (B,) share of answers that are one of their references, in [0, 1].
    :param cider: (B,) CIDEr.
    :param examples: answers behind each figure; 0: none was measured.
    :raises InvalidInput: naming the field, its rule and what came.
    """

    exact_match: Table
    cider: Table
    examples: int

    def __post_init__(self) -> None:
        checks.whole("examples", self.examples, low=0, high=_MOST)
        for name in ("exact_match", "cider"):
            measured_or_nan(name, frozen_table(self, name, axes=1), low=0.0)
