# SPDX-License-Identifier: Apache-2.0
"""Quantizes rows that share one law of magnitudes: the tokens of an embedding.

Embeddings of large models have a few channels 10 to 100 times larger than the others, the same ones
for all tokens. Even steps up to the largest round the others away, and steps that suit the others
cut the largest off; the cells of a law with a tail (``nested_laws``) do neither.
"""

from __future__ import annotations

import numpy as np

from coinfer_ros.core import checks
from coinfer_ros.core.packing import Codes
from coinfer_ros.core.quantizers import nested_fit, nested_laws, rows, signed
from coinfer_ros.core.quantizers.rows import Weights


def quantize(values: Weights, bits: int) -> tuple[Codes, Weights, int]:
    """Return each value's code, each row's greatest magnitude and the law that suits all best.

    :param values: (rows, columns), finite.
    :param bits: bit-width in [2, 8].
    :returns: codes as ``signed`` has them, int8 (rows, columns); scales (rows,); place of the law.
    :raises InvalidInput: when an argument breaks its rule.

    >>> codes, scales, law = quantize(np.array([[0.1, -2.0]], np.float32), bits=4)
    >>> codes, scales
    (array([[ 0, -8]], dtype=int8), array([2.], dtype=float32))
    """
    dropped = nested_laws.BITS_HIGH - nested_laws.width(bits)
    scales = rows.greatest(values)
    relative = np.abs(values)
    relative /= np.where(scales > 0, scales, np.inf)[:, None]
    laws, cells = nested_fit.fit(relative.reshape(1, -1))
    codes = (cells >> dropped).astype(np.int8).reshape(values.shape)
    signed.add_signs(codes, values)
    return codes, scales, int(laws[0])


def dequantize(codes: Codes, scales: Weights, law: int, bits: int) -> Weights:
    """Return the values that codes stand for.

    :param codes: (rows, columns), whole numbers in [-2^(b-1), 2^(b-1)).
    :param scales: (rows,), the rows' greatest magnitudes.
    :param law: place in the table of laws.
    :param bits: bit-width in [2, 8].
    :returns: float32 in the shape of ``codes``.
    :raises InvalidInput: when an argument breaks its rule or the shapes do not agree.
    """
    checks.whole("law", law, low=0, high=nested_laws.COUNT - 1)
    values = nested_laws.values(bits)[law]
    table = np.concatenate([-values[::-1], values]).astype(np.float32)
    scale = rows.column_of(scales, len(rows.flat_codes(codes)))
    return rows.look_up(codes, scale, table, (-len(values), len(values) - 1), bits)
