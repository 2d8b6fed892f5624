# SPDX-License-Identifier: Apache-2.0
"""Takes a tensor of any shape to its stored form and back."""

from __future__ import annotations

import math

import numpy as np

from coinfer_ros.core import messages
from coinfer_ros.core.errors import InvalidInput
from coinfer_ros.core.packing import code_type, pack, unpack
from coinfer_ros.core.quantizers import nested, rows, table
from coinfer_ros.core.quantizers.granularity import Granularity, PerChannel, checked
from coinfer_ros.core.quantizers.quantized import Quantized
from coinfer_ros.core.quantizers.rows import Weights

# Blocks that a verb is called with: so many weights that the call itself does not count, so few
# that the codes of one are still in the cache when they are turned back.
BAND = 1 << 20


def encode(weights: Weights, *, quantizer: str, bits: int, granularity: Granularity) -> Quantized:
    """Quantize and pack a tensor.

    :param weights: any shape that ``granularity`` fits, finite float32.
    :param quantizer: a key of ``QUANTIZERS``.
    :param bits: bit-width in the quantizer's range.
    :param granularity: which weights share a scale.
    :raises InvalidInput: when an argument breaks its rule.

    >>> from coinfer_ros.core.quantizers import PerTensor
    >>> weights = np.array([0.5, -2.0, 4.0], np.float32)
    >>> stored = encode(weights, quantizer="power_of_two", bits=4, granularity=PerTensor())
    >>> stored.stored_bits, decode(stored)
    (48, array([ 0.5, -2. ,  4. ], dtype=float32))
    """
    chosen, values = table.named(quantizer), _in_rows(weights, granularity)
    qparams = chosen.choose_qparams(values, bits)
    codes = np.empty(values.shape, code_type(bits))
    error = 0.0
    for span, columns in rows.spans(values.shape, BAND):
        band, scales = values[span, columns], qparams[span]
        codes[span, columns] = chosen.quantize(band, scales, bits)
        back = chosen.dequantize(codes[span, columns], scales, bits)
        error += float(rows.mean_magnitude(np.subtract(band, back, out=back)).sum()) * band.shape[1]
    distortion = error / values.size
    return Quantized(
        quantizer, bits, granularity, weights.shape, qparams, pack(codes, bits), distortion
    )


def decode(stored: Quantized) -> Weights:
    """Return the weights that a stored tensor stands for.

    :returns: float32 in the tensor's shape.
    :raises InvalidInput: when the data hold codes that the quantizer never gives.
    """
    codes = unpack(stored.data, stored.bits, math.prod(stored.shape))
    in_rows = codes.reshape(stored.granularity.rows(stored.shape))
    dequantize = table.named(stored.quantizer).dequantize
    return dequantize(in_rows, stored.qparams, stored.bits).reshape(stored.shape)


def restored(weights: Weights, *, quantizer: str, bits: int, granularity: Granularity) -> Weights:
    """Return the weights that ``decode`` gives back after ``encode``, without packing them.

    :param weights: any shape that ``granularity`` fits, finite float32.
    :param quantizer: a key of ``QUANTIZERS``, or ``nested``, whose rows are channels.
    :param bits: bit-width in the quantizer's range.
    :param granularity: which weights share a scale.
    :returns: float32 in the shape of ``weights``.
    :raises InvalidInput: when an argument breaks its rule.

    >>> from coinfer_ros.core.quantizers import PerChannel
    >>> weights = np.array([[1.0, -3.5], [0.0, 0.0]], np.float32)
    >>> restored(weights, quantizer="uniform", bits=2, granularity=PerChannel())
    array([[ 0. , -3.5],
           [ 0. ,  0. ]], dtype=float32)
    """
    if quantizer == nested.NAME:
        if granularity != PerChannel():
            raise InvalidInput(f"granularity must be {PerChannel()} for nested, got {granularity}")
        return nested.decode(nested.encode(weights), bits)
    chosen, values = table.named(quantizer), _in_rows(weights, granularity)
    qparams = chosen.choose_qparams(values, bits)
    back = np.empty_like(values)
    for span, columns in rows.spans(values.shape, BAND):
        codes = chosen.quantize(values[span, columns], qparams[span], bits)
        back[span, columns] = chosen.dequantize(codes, qparams[span], bits)
    return back.reshape(weights.shape)


def _in_rows(weights: Weights, granularity: Granularity) -> Weights:
    if not isinstance(weights, np.ndarray) or weights.dtype != np.float32:
        raise InvalidInput(f"weights must be an array of float32, got {messages.kind(weights)}")
    return weights.reshape(checked(granularity).rows(weights.shape))
