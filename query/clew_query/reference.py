"""The reference of every setting and metric, as Markdown, made from the objects that the programs use.

docs/reference.md is this text; a test holds it to the code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.filesize import pick_unit_and_suffix

from clew_agent.config import AgentSettings
from clew_agent.metrics import COUNTERS, GAUGES, HISTOGRAMS, PROGRAMS, Instrument
from clew_agent.settings import Settings
from clew_collector.settings import CollectorSettings
from clew_query.alerts.duration import format_duration
from clew_query.alerts.rule import RuleSet
from clew_query.settings import QuerySettings
from clew_query.up.settings import UpSettings

__all__ = ["exposed_name", "reference", "unit_of"]

Schema = Mapping[str, Any]

FILES: tuple[tuple[str, str, type[Settings]], ...] = (
    ("Agent", "`clew agent run --config FILE`", AgentSettings),
    ("Collector", "`clew collector run --config FILE`", CollectorSettings),
    ("Query", "`clew query run --config FILE`", QuerySettings),
    ("Up", "`clew up --config FILE`: everything on one machine", UpSettings),
    ("Alert rules", "`clew up --rules FILE`, `clew alerts check FILE`; see [alerts.md](alerts.md)", RuleSet),
)
PROGRAM_COMMANDS = {
    "clew-agent": "`clew agent run`",
    "clew-collector": "`clew collector run`",
    "clew-query": "`clew query run`",
    "clew": "`clew up`",
}
UNITS = {"s": "seconds", "ns": "nanoseconds", "bytes": "bytes"}
LIMIT_WORDS = frozenset({"initial", "max", "min"})
INTRODUCTION = """# Reference

Every setting and every metric. This page is made of the code by `make reference`; change it there.

Settings are YAML. An unknown key, a wrong type or a value out of range is an error, and all errors of a file are told
at once. `clew config schema` prints the same as JSON Schema, for editors."""


def reference() -> str:
    """Return the whole page."""
    pieces = [INTRODUCTION, "## Settings"]
    described: set[str] = set()
    for title, use, kind in FILES:
        pieces += _file(title, use, kind.model_json_schema(), described)
    return "\n\n".join([*pieces, "## Metrics", *_metrics()]) + "\n"


def unit_of(name: str) -> str:
    """Return the unit of a number, which its setting's name says: `flush_interval_s`, `read_bytes_max`, `files_max`."""
    words = [word for word in name.split("_") if word not in LIMIT_WORDS]
    named = next((UNITS[word] for word in reversed(words) if word in UNITS), "")
    return named or (words[-1] if len(words) < len(name.split("_")) else "")


def exposed_name(name: str, unit: str, *, counter: bool) -> str:
    """Return a metric's name at `/metrics`, as OpenTelemetry's Prometheus exporter makes it."""
    suffix = {"By": "_bytes", "s": "_seconds"}.get(unit, "")
    return f"{name}{suffix}{'_total' if counter else ''}"


def _file(title: str, use: str, schema: Schema, described: set[str]) -> Iterator[str]:
    """Yield a program's settings, then those sections of it that no program before had."""
    yield f"### {title}"
    yield f"{use}."
    sections = schema.get("$defs", {})
    yield _settings(schema, sections)
    for name in sorted(sections.keys() - described):
        described.add(name)
        yield f"#### {name}"
        yield sections[name]["description"]
        yield _settings(sections[name], sections)


def _settings(schema: Schema, sections: Schema) -> str:
    required = schema.get("required", ())
    rows = []
    for name, setting in schema["properties"].items():
        number = any(part.get("type") in {"integer", "number"} for part in _alternatives(setting))
        unit = unit_of(name) if number else ""
        default = "must be given" if name in required else _value(setting.get("default"), number=number, unit=unit)
        # A setting that is a section is described by the section.
        meaning = setting.get("description") or sections[_section(setting)]["description"]
        rows.append((f"`{name}`", _kind(setting), unit, default, meaning))
    return _table(("setting", "takes", "unit", "default", "meaning"), rows)


def _section(part: Schema) -> str:
    return str(part["$ref"]).rsplit("/", 1)[1]


def _alternatives(setting: Schema) -> list[Schema]:
    """Return the ways to give a setting, leaving it unset not among them."""
    parts = setting.get("anyOf") or setting.get("oneOf")
    if parts is None:
        return [] if setting.get("type") == "null" else [setting]
    return [alternative for part in parts for alternative in _alternatives(part)]


def _kind(setting: Schema) -> str:
    """Return in words what a setting takes."""
    return " or ".join(dict.fromkeys(_one_kind(part) for part in _alternatives(setting)))


def _one_kind(part: Schema) -> str:
    if "$ref" in part:
        name = _section(part)
        return f"[{name}](#{name.lower()})"
    if "const" in part:
        return f"`{part['const']}`"
    if "enum" in part:
        return ", ".join(f"`{value}`" for value in part["enum"])
    if part.get("type") == "array":
        return f"list of {_kind(part['items'])}"
    if part.get("type") in {"integer", "number"}:
        return " ".join(filter(None, [part["type"], _bounds(part)]))
    if "examples" in part:
        return "such as " + ", ".join(f"`{value}`" for value in part["examples"])
    return {"string": "text", "object": "mapping", "boolean": "`true`, `false`"}[part["type"]]


def _bounds(part: Schema) -> str:
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return ", ".join(f"{sign} {_number(part[key])}" for key, sign in signs.items() if key in part)


def _value(value: object, *, number: bool, unit: str) -> str:
    """Return a default in words; nothing for what is unset, empty, or a section with defaults of its own."""
    if value is None or isinstance(value, dict) or value in ("", []):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, int | float) and not number:
        return f"`{format_duration(value)}`"
    if isinstance(value, int | float):
        return f"`{_number(value)}`{_size(value) if unit == 'bytes' else ''}"
    return f"`{value}`"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else str(value)


def _size(value: float) -> str:
    if value < 1024:
        return ""
    size, suffix = pick_unit_and_suffix(int(value), ["bytes", "KiB", "MiB", "GiB"], 1024)
    return f" ({value / size:g} {suffix})"


def _metrics() -> Iterator[str]:
    yield (
        "At `/metrics` of every server, and of an agent with `metrics_listen`. Counters and gauges are there from the\n"
        "start, where the values of their labels are known; a histogram from its first value on."
    )
    for part in dict.fromkeys(part for parts in PROGRAMS.values() for part in parts):
        programs = [PROGRAM_COMMANDS[program] for program, parts in PROGRAMS.items() if part in parts]
        yield f"### {part.capitalize()}"
        yield f"Of {', '.join(programs)}."
        yield _table(("metric", "kind", "labels", "meaning"), list(_rows_of(part)))


def _rows_of(part: str) -> Iterator[tuple[str, str, str, str]]:
    for kind, instruments in (("counter", COUNTERS), ("gauge", GAUGES), ("histogram", HISTOGRAMS)):
        for name, instrument in instruments.items():
            if name.split("_")[1] == part:
                exposed = exposed_name(name, instrument.unit, counter=kind == "counter")
                yield f"`{exposed}`", kind, _labels(instrument), instrument.description


def _labels(instrument: Instrument) -> str:
    return "; ".join(
        f"`{label}`" + (": " + ", ".join(values) if values else "") for label, values in instrument.labels.items()
    )


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
