"""The store on one machine: tantivy, an index for each day of the log."""

from .store import EmbeddedStore

__all__ = ["EmbeddedStore"]
