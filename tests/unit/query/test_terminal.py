"""Events and the audit as they are drawn."""

from __future__ import annotations

import io
from typing import Any

from rich.console import Console
from tests.unit.query.events import event

from clew_query.terminal.audit import render_audit
from clew_query.terminal.events import draw_event
from clew_query.view import event_json

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


class TestEvent:
    def test_says_when_how_bad_of_whom_who_and_what(self) -> None:
        shown = event_json(event(1, severity_number=17, transaction_id=TRACE, transaction_origin="line"))
        assert draw_event(shown).plain == "2023-01-29 08:30:01.000 ERROR 4bf92f35 orders@h1 line 1"

    def test_a_generated_id_says_nothing(self) -> None:
        assert draw_event(event_json(event(1))).plain == "2023-01-29 08:30:01.000 INFO           orders@h1 line 1"

    def test_a_line_cannot_command_the_terminal(self) -> None:
        drawn = draw_event(event_json(event(0, body="a\x1b[2Jb\r\nc", service="x\x07y"))).plain
        assert drawn.isprintable()
        assert drawn.endswith("a\N{REPLACEMENT CHARACTER}[2Jb  c")


def row(**changes: Any) -> dict[str, Any]:
    numbers = {"acknowledged": 1000, "logged": 1000, "stored": 1000, "missing": 0, "doubled": 0, "given_up": 0}
    return {"file_id": "0" * 20, "path": "/var/log/a.log", "host": "h1", "service": "orders", **numbers, **changes}


def drawn(*files: dict[str, Any]) -> str:
    out = io.StringIO()
    clean = not any(file["missing"] or file["doubled"] for file in files)
    render_audit({"clean": clean, "files": list(files)}, Console(file=out, width=120))
    return out.getvalue()


class TestAudit:
    def test_is_one_sentence_when_all_is_well(self) -> None:
        assert drawn(row(), row()) == "Clean: 2 files, 2,000 bytes acknowledged, each stored once.\n"

    def test_names_the_files_that_lack_bytes(self) -> None:
        text = drawn(row(), row(path="/var/log/b.log", stored=900, missing=100))
        assert "/var/log/b.log" in text
        assert "/var/log/a.log" not in text
        assert "Not clean: 2 files, 100 bytes missing, 0 bytes doubled." in text

    def test_tells_what_was_given_up_though_it_is_clean(self) -> None:
        text = drawn(row(given_up=50))
        assert "/var/log/a.log" in text
        assert "Clean: 1 file" in text
        assert "50 bytes were given up" in text

    def test_very_many_files_are_counted(self) -> None:
        assert "and 100 more files" in drawn(*(row(missing=1) for _ in range(300)))
