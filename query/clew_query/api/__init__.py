"""The HTTP API, one file a subject; ARCHITECTURE.md has its shapes."""

from .app import create_app

__all__ = ["create_app"]
