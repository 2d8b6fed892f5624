# SPDX-License-Identifier: Apache-2.0
"""The errors of this package: one root, few children."""


class CoinferError(Exception):
    """Root of every error that this package raises on purpose."""


class InvalidInput(CoinferError, ValueError):
    """An argument breaks its rule; the message names argument, rule and what came."""


class Unavailable(CoinferError):
    """Something that should be here (a file, a device, a library) is not."""


class NotPermitted(CoinferError):
    """It is here, but this user may not use it."""


class Unsupported(CoinferError):
    """It is here and allowed, but this kind of it cannot do what was asked."""


class PeerTimeout(CoinferError):
    """The other host did not answer in time."""
