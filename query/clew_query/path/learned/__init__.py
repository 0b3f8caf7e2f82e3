"""Paths from logs alone: a model of who calls whom, learned from transactions without being told a single path.

`learn` makes a `Model` of many transactions, `LearnedInference` reads one with it. docs/path.md tells how it works.
"""

from .inference import LearnedInference
from .learning import Progress, learn
from .model import Model, NamedEdge, edges_of

__all__ = ["LearnedInference", "Model", "NamedEdge", "Progress", "edges_of", "learn"]
