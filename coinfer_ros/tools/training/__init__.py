# SPDX-License-Identifier: Apache-2.0
"""How each shipped model is trained: what it learns from, for how long, and what is said of it."""
