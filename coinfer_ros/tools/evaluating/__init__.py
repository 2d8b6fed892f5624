# SPDX-License-Identifier: Apache-2.0
"""The evaluation's work, from pictures that are drawn to the page that is read."""
