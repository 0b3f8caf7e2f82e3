"""The service map: who calls whom, how often, how well and how long, in any range of time, from transactions' paths."""

from .keeper import MapKeeper, ServiceMap
from .statistics import EdgeKey, EdgeStatistics, MapStatistics, NodeStatistics, count_path

__all__ = [
    "EdgeKey",
    "EdgeStatistics",
    "MapKeeper",
    "MapStatistics",
    "NodeStatistics",
    "ServiceMap",
    "count_path",
]
