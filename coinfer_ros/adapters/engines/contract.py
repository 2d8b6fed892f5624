# SPDX-License-Identifier: Apache-2.0
"""What a served tail offers: the names, types and shapes of its tensors, for both sides."""

from __future__ import annotations

EMBEDDING = "embedding"  # FP32, (N, T, C)
PROMPT = "prompt"  # BYTES, (N, 1), UTF-8
TEXT = "text"  # BYTES, (N, 1), UTF-8
TOKENS = "tokens"  # INT32, (N, 1)
