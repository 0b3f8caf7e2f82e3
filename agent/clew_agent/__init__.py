"""Clew's agent: tails files, stamps every line with a transaction id, ships chunks, keeps the account."""

from importlib.metadata import version

__all__ = ["__version__"]

__version__ = version("clew")
