"""`clew doctor`: what is wrong with the cluster, and what to do about it. Facts are asked for, then judged."""

from .facts import ElasticsearchFacts, gather
from .finding import Finding, Level
from .judgement import judge

__all__ = ["ElasticsearchFacts", "Finding", "Level", "gather", "judge"]
