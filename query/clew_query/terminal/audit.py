"""The audit on a terminal: one sentence when all is well, else the files that lack or double bytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from .events import one_line

__all__ = ["render_audit"]

FILES_MAX = 200
_COLUMNS = ("acknowledged", "logged", "stored", "missing", "doubled", "given_up")


def render_audit(account: Mapping[str, Any], console: Console) -> None:
    """Print the account (its JSON form); files with nothing to tell are only counted."""
    files = account["files"]
    told = [row for row in files if row["missing"] or row["doubled"] or row["given_up"]]
    if told:
        table = Table("host", "file", *_COLUMNS, caption="in bytes", box=None, header_style="bold")
        for column in table.columns[2:]:
            column.justify = "right"
        for row in told[:FILES_MAX]:
            style = "red" if row["missing"] or row["doubled"] else "yellow"
            numbers = (f"{row[column]:,}" for column in _COLUMNS)
            table.add_row(one_line(row["host"]), one_line(row["path"]), *numbers, style=style)
        console.print(table)
        if len(told) > FILES_MAX:
            console.print(f"... and {len(told) - FILES_MAX} more files; --json has all.")
    console.print(_sentence(account), highlight=False, soft_wrap=True)


def _sentence(account: Mapping[str, Any]) -> str:
    files = account["files"]
    acknowledged, given_up = (sum(row[column] for row in files) for column in ("acknowledged", "given_up"))
    count = f"{len(files):,} file" if len(files) == 1 else f"{len(files):,} files"
    lost = f" {given_up:,} bytes were given up, with their reason in `clew agent status`." if given_up else ""
    if account["clean"]:
        return f"Clean: {count}, {acknowledged:,} bytes acknowledged, each stored once.{lost}"
    missing, doubled = (sum(row[column] for row in files) for column in ("missing", "doubled"))
    return f"Not clean: {count}, {missing:,} bytes missing, {doubled:,} bytes doubled.{lost}"
