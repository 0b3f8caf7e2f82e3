"""On which line of a YAML text a setting stands."""

from __future__ import annotations

from collections.abc import Sequence

import yaml

__all__ = ["line_of"]


def line_of(text: str, location: Sequence[str | int]) -> int:
    """Return the line (from 1) of the setting at this location, else of the nearest section around it; 0 if empty."""
    node = yaml.compose(text, Loader=yaml.SafeLoader)
    if node is None:
        return 0
    line = node.start_mark.line
    for part in location:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == str(part)), None)
            if found:
                line, node = found[0].start_mark.line, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
            line = node.start_mark.line
    return int(line) + 1
