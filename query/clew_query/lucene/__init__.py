"""The query language: Lucene's syntax, compiled to the store's expressions, with the position of every error.

What differs from Lucene: words side by side mean AND; `field>=value` compares as `field:>=value` does; fuzzy words,
proximity, boosts and regular expressions are refused. docs/query.md is the user's side of it.
"""

from .compiler import compile_query
from .reader import QUERY_CHARACTERS_MAX
from .transactions import compile_transactions_query

__all__ = ["QUERY_CHARACTERS_MAX", "compile_query", "compile_transactions_query"]
