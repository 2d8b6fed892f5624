# SPDX-License-Identifier: Apache-2.0
"""What `coinfer solve` is asked about, in which words, and what it answers of the frontier."""
