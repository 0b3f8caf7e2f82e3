"""What commands draw on a terminal."""

from .tree import render_tree

__all__ = ["render_tree"]
