# SPDX-License-Identifier: Apache-2.0
"""The figures of arXiv 2602.13052 that need no data set: each as PNG, its numbers as CSV."""
