# SPDX-License-Identifier: Apache-2.0
"""What `coinfer replay` does with a bag: recompute every plan, and weigh what came of them."""
