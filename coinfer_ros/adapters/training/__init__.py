# SPDX-License-Identifier: Apache-2.0
"""Makes the small models that the repository ships and teaches them."""
