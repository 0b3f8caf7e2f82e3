"""The store on Elasticsearch: an index per day of event time.

A sink's four ideas in four files: `document` encodes, `request` builds, `sender` sends, `verdict` judges the answer.
"""

from .settings import ElasticsearchSettings, RetentionSettings
from .store import ElasticsearchStore

__all__ = ["ElasticsearchSettings", "ElasticsearchStore", "RetentionSettings"]
