# SPDX-License-Identifier: Apache-2.0
"""A robot's and an edge's host on one machine: two network namespaces and a link that can fail."""
