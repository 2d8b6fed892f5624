# SPDX-License-Identifier: Apache-2.0
"""How good a model's captions are, by how its weights and its embedding are stored."""
