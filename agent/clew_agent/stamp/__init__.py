"""Stamping: every line gets a transaction id and says where it came from; lines become chunks."""

from .build import Cut, build_chunk
from .settings import StampSettings
from .stamper import Stamper

__all__ = ["Cut", "StampSettings", "Stamper", "build_chunk"]
