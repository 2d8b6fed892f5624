# SPDX-License-Identifier: Apache-2.0
"""Speed and size of the whole, measured and put on docs/benchmarks.md; never a test."""
