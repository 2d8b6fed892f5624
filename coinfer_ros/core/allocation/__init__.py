# SPDX-License-Identifier: Apache-2.0
"""Chooses a bit-width for each layer so that all of them together keep one budget.

Layers differ in size, in weight rate λ_l and in how far an error of theirs moves the output (H_l),
so that one width for all wastes bits on some. Minimised is the sum of the layers' distortions
subject to the sum of their costs; the budget may be stored bits, bits a weight or delay, whatever
the cost table counts.
"""

from coinfer_ros.core.allocation.answer import Allocation
from coinfer_ros.core.allocation.exact import allocate
from coinfer_ros.core.allocation.laws import bit_costs, delay_costs_s, law_table
from coinfer_ros.core.allocation.one_width import uniform_width
from coinfer_ros.core.allocation.water_filling import WaterLevel, water_filling
from coinfer_ros.core.optimizer.solution import Status

__all__ = [
    "Allocation",
    "Status",
    "WaterLevel",
    "allocate",
    "bit_costs",
    "delay_costs_s",
    "law_table",
    "uniform_width",
    "water_filling",
]
