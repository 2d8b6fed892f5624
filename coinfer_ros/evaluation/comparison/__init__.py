# SPDX-License-Identifier: Apache-2.0
"""What each way of choosing a plan makes of the paper's budgets: Figs 5 to 8 and Table I.

Workload and machines are the paper's; the quality of a bit-width is measured on the small models
that ship, which stand in for the large ones (arXiv 2602.13052, Sec. VI).
"""
