# SPDX-License-Identifier: Apache-2.0
"""Long work that Ctrl-C or a power cut may end at any moment, and the same command goes on with."""
