"""Reading a YAML file into one typed frozen object: all errors at once, each naming its key."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from .errors import SettingsError
from .yaml_lines import line_of

__all__ = ["Settings", "parse_settings", "read_settings"]

S = TypeVar("S", bound="Settings")


class Settings(BaseModel):
    """Base of every settings object: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def read_settings(path: Path, kind: type[S], *, base: Path | None = None) -> S:
    """Return the settings in the YAML file; SettingsError naming every problem, or why the file cannot be read.

    `base`: an absolute folder that relative paths start from, for settings that allow them.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise SettingsError(
            f"cannot read the configuration {path}: {error.strerror}",
            hint="give its path with --config FILE; `clew config schema` prints what may stand in it",
        ) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"the configuration {path} is not UTF-8: {error}") from error
    return parse_settings(text, kind, name=str(path), base=base)


def parse_settings(text: str, kind: type[S], *, name: str = "configuration", base: Path | None = None) -> S:
    """Return the settings in a YAML text; SettingsError as `read_settings`."""
    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise SettingsError(f"{name} is not YAML: {error}") from error
    if data is None:
        data = {}
    if not isinstance(data, dict):
        raise SettingsError(f"{name} must be a mapping of settings, not a {type(data).__name__}")
    try:
        return kind.model_validate(data, context={"base": base})
    except ValidationError as error:
        problems = tuple(
            f"{_sentence(kind, dict(detail))} (line {line_of(text, detail['loc'])})"
            for detail in error.errors(include_url=False)
        )
        raise SettingsError(
            f"{name} does not hold ({len(problems)} problem{'s' if len(problems) > 1 else ''}):",
            problems=problems,
            hint="`clew config schema` prints every setting with its unit",
        ) from error


def _sentence(kind: type[BaseModel], detail: dict[str, Any]) -> str:
    location = tuple(detail["loc"])
    key = ".".join(str(part) for part in location)
    if detail["type"] == "extra_forbidden":
        near = get_close_matches(str(location[-1]), _known_keys(kind), n=1)
        return f"{key}: there is no such setting" + (f"; did you mean `{near[0]}`?" if near else "")
    if detail["type"] == "missing":
        return f"{key}: must be given"
    message = str(detail["msg"]).removeprefix("Value error, ")
    return f"{key}: {message} (got {detail['input']!r:.80})"


def _known_keys(kind: type[BaseModel]) -> list[str]:
    schema = kind.model_json_schema()
    sections = [schema, *schema.get("$defs", {}).values()]
    return [key for section in sections for key in section.get("properties", {})]
