"""What the pages name is there: links, commands with their options, make's targets, files."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.conftest import ROOT

from clew_agent.cli import main
from clew_collector.store.memory import MemoryStore
from clew_query.api import create_app
from clew_query.backend import Backend

PAGES = sorted(
    path.relative_to(ROOT)
    for pattern in ("*.md", "docs/**/*.md", "bench/**/*.md", "deploy/**/*.md")
    for path in ROOT.glob(pattern)
    if ".venv" not in path.parts
)
LINK = re.compile(r"\]\((?!https?://)([^)#\s]*)(#[^)\s]+)?\)")
FENCE = re.compile(r"^```(?:sh|bash)?\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:clew|make) [^`\n]+)`")
HEADING = re.compile(r"^#+ +(.+)$", re.MULTILINE)
ALTERNATIVES = re.compile(r"((?:--)?\w[\w-]*)((?:\|(?:--)?\w[\w-]*)+)")


@pytest.mark.parametrize("page", PAGES, ids=str)
class TestPages:
    def test_every_link_leads_somewhere(self, page: Path) -> None:
        broken = [link for link in links(page) if not leads_somewhere(page, *link)]
        assert broken == []

    def test_every_command_and_option_is_there(self, page: Path) -> None:
        wrong = [f"{command}: {reason}" for command in commands(page) for reason in problems(shlex.split(command))]
        assert wrong == []


def text_of(page: Path) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def links(page: Path) -> list[tuple[str, str]]:
    return [(match[1], match[2] or "") for match in LINK.finditer(text_of(page))]


def leads_somewhere(page: Path, target: str, anchor: str) -> bool:
    path = (ROOT / page).parent / target if target else ROOT / page
    if not path.exists():
        return False
    return not anchor or anchor in {f"#{slug(heading)}" for heading in HEADING.findall(path.read_text("utf-8"))}


def slug(heading: str) -> str:
    """Return a heading's anchor as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def commands(page: Path) -> Iterator[str]:
    """Yield what a page says to run with `clew` or `make`: lines of code blocks, and code within sentences."""
    text = text_of(page)
    for block in FENCE.findall(text):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"&&|;|\|(?= )", line.split(" #")[0]):
                words = part.strip().removeprefix("sudo ")
                if re.match(r"(clew|make) ", words):
                    yield words
    for words in INLINE.findall(FENCE.sub("", text)):
        yield from spelled_out(words.split(" # ")[0])


def spelled_out(words: str) -> Iterator[str]:
    """Yield each command of `clew agent run|check`."""
    match = ALTERNATIVES.search(words)
    if match is None:
        yield words
        return
    for choice in (match[1], *match[2][1:].split("|")):
        yield from spelled_out(f"{words[: match.start()]}{choice}{words[match.end() :]}")


def problems(words: list[str]) -> Iterator[str]:
    """Yield what is not there of a command line."""
    if words[0] == "make":
        targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
        yield from (f"no target {word}" for word in words[1:] if re.fullmatch(r"[a-z-]+", word) and word not in targets)
        return
    command: click.Command = main
    words = words[1:]
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        if words[0] in {"...", "…"}:
            return
        found = command.get_command(click.Context(command), words[0])
        if found is None:
            yield f"no command {words[0]}"
            return
        command, words = found, words[1:]
    known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    options = [word.strip("[]").split("=")[0] for word in words if word.strip("[").startswith("--")]
    yield from (f"no option {option}" for option in options if option not in known | {"--help", "--version"})


@pytest.mark.parametrize(
    "command",
    ["clew trace ID --jsn", "clew agents run", "clew alerts lists", "make tests", "clew agent run|chek --config F"],
)
def test_what_is_not_there_is_noticed(command: str) -> None:
    assert [reason for each in spelled_out(command) for reason in problems(shlex.split(each))]


def test_every_route_is_named_in_the_architecture() -> None:
    app = create_app(Backend(store=MemoryStore()), page=False)
    named = nameless(text_of(Path("ARCHITECTURE.md")))
    assert [path for path in app.openapi()["paths"] if nameless(path) not in named] == []


def nameless(text: str) -> str:
    """Return the text with `{}` for every parameter of a path."""
    return re.sub(r"\{\w+\}", "{}", text)
