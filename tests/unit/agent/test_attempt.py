"""`clew agent try`: what it says is what the agent does."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from clew_agent.attempt import Attempt, attempt, try_file
from clew_agent.config import AgentSettings
from clew_agent.errors import ClewError
from clew_agent.pipeline import run_agent
from clew_agent.settings import parse_settings
from clew_agent.stamp import StampSettings
from clew_agent.transport import MemoryTransport
from clew_agent.wire import event_id

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def settings_for(folder: Path, more: str = "") -> AgentSettings:
    text = f"sources: [{{paths: ['{folder}/logs/*.log'], service: shop{more}}}]\ndata: {folder}/data\nhost: h1\n"
    return parse_settings(text, AgentSettings)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "logs" / "orders.log"
    path.parent.mkdir()
    path.write_bytes(b'{"trace_id":"%s"}\nX-Request-ID: checkout-7f3a\r\nplain \xff\n\nlast' % TRACE.encode())
    return path


async def test_it_shows_what_an_agent_ships(log: Path, tmp_path: Path) -> None:
    settings = settings_for(tmp_path)
    tried = try_file(log, settings, lines_max=100)
    receiver = MemoryTransport()
    await run_agent(settings, receiver, once=True)
    shipped = [
        (event_id(chunk.source.file_id, line.offset), line.length, line.transaction_id, line.aliases, line.raw)
        for chunk in receiver.chunks
        for line in chunk.lines()
    ]
    shown = [(line.event_id, line.length, line.transaction_id, line.aliases) for line in tried.lines]
    assert shown == [line[:4] for line in shipped]
    assert [line.line for line in tried.lines] == [raw.decode("utf-8", "replace") for *_, raw in shipped]
    assert [line.origin for line in tried.lines] == ["line", "alias", "generated", "generated", "generated"]
    source = receiver.chunks[0].source
    assert (tried.service, tried.host, tried.file_id) == (source.service, source.host, source.file_id.hex())
    assert (tried.bytes, tried.bytes_read, tried.returned, tried.truncated) == (log.stat().st_size,) * 2 + (5, False)
    assert tried.warnings == ()


def test_it_changes_nothing(log: Path, tmp_path: Path) -> None:
    before = log.read_bytes()
    try_file(log, settings_for(tmp_path), lines_max=1)
    assert log.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["logs"]


def test_no_configuration_is_needed(log: Path) -> None:
    tried = try_file(log, None, lines_max=100)
    assert (tried.service, tried.returned) == ("orders", 5)


def test_fewer_lines_than_there_are_are_said_to_be_fewer(log: Path) -> None:
    tried = try_file(log, None, lines_max=2)
    assert (tried.returned, tried.truncated, tried.bytes_read) == (2, True, 77)


def test_names_in_the_path_are_taken_by_the_source_that_matches(log: Path, tmp_path: Path) -> None:
    text = f"""
        sources:
          - paths: ['{tmp_path}/other/*.log']
            service: other
          - paths: ['{tmp_path}/logs/*.log']
            service: {{from: path, pattern: '/(?P<service>[^/]+)[.]log$'}}
            instance: {{from: path, pattern: '/pods/(?P<instance>[^/]+)/'}}
        """
    tried = try_file(log, parse_settings(text, AgentSettings), lines_max=1)
    assert tried.service == "orders"
    assert tried.warnings == ("instance: the pattern '/pods/(?P<instance>[^/]+)/' finds no instance in this path",)


def test_a_file_of_no_source_is_tried_and_warned_of(log: Path, tmp_path: Path) -> None:
    tried = try_file(log, settings_for(tmp_path, ", exclude: ['*orders*']"), lines_max=100)
    assert (tried.service, tried.returned) == ("orders", 5)
    assert tried.warnings == ("no source of the configuration matches this file: the agent would leave it alone",)


def test_a_name_with_a_globs_characters_is_a_name(tmp_path: Path) -> None:
    path = tmp_path / "a[1]*.log"
    path.write_text("x\n")
    assert try_file(path, None, lines_max=1).returned == 1


def test_own_keys_of_the_configuration_count(tmp_path: Path, log: Path) -> None:
    log.write_text("order_number=A7\n")
    settings = settings_for(tmp_path).model_copy(update={"stamp": StampSettings(alias_keys=("order_number",))})
    (line,) = try_file(log, settings, lines_max=1).lines
    assert (line.origin, line.aliases) == ("alias", ("A7",))


class TestBadInput:
    def test_an_empty_file_has_no_line(self, tmp_path: Path) -> None:
        path = tmp_path / "empty.log"
        path.touch()
        tried = try_file(path, None, lines_max=1)
        assert (tried.lines, tried.truncated) == ((), False)
        assert tried.warnings == ("the file is empty: there is no line to try",)

    def test_a_line_over_the_limit_is_cut_and_counted(self, tmp_path: Path) -> None:
        path = tmp_path / "long.log"
        path.write_bytes(b"a" * 5_000 + b"\n" + b"b" * 3_000_000 + b"\nnext\n")
        first, second, third = try_file(path, None, lines_max=10).lines
        assert (first.length, first.cut_bytes) == (5_001, 0)
        assert second.length == 3_000_001
        assert second.cut_bytes + len(second.line) + 1 == second.length
        assert third.line == "next"

    def test_binary_is_shown_as_text_that_no_terminal_obeys(self, tmp_path: Path) -> None:
        path = tmp_path / "binary.log"
        path.write_bytes(bytes(range(256)) * 4)
        shown = CliRunner().invoke(attempt, [str(path)])
        assert shown.exit_code == 0
        assert all(c.isprintable() or c == "\n" for c in shown.stdout)

    @pytest.mark.parametrize(
        ("name", "said"), [("missing.log", "No such file or directory"), (".", "is no regular file")]
    )
    def test_what_is_no_file_is_an_error(self, tmp_path: Path, name: str, said: str) -> None:
        with pytest.raises(ClewError, match=said) as caught:
            try_file(tmp_path / name, None, lines_max=1)
        assert caught.value.hint


class TestForPeople:
    def test_each_line_with_what_becomes_of_it(self, log: Path) -> None:
        shown = CliRunner().invoke(attempt, [str(log), "--lines", "2"])
        assert shown.exit_code == 0
        name, first, first_becomes, second, second_becomes, count = shown.stdout.splitlines()
        assert name.startswith(f"{log}  service orders host ")
        assert first == f'{{"trace_id":"{TRACE}"}}'
        assert f"line      {TRACE}  event " in first_becomes
        assert second == "X-Request-ID: checkout-7f3a"
        assert second_becomes.endswith("29 bytes  also checkout-7f3a")
        assert count == "2 lines: 1 line, 1 alias; the file goes on for 13 bytes (--lines N shows more)"

    def test_errors_come_with_a_hint(self, tmp_path: Path) -> None:
        shown = CliRunner().invoke(attempt, [str(tmp_path / "missing.log")])
        assert (shown.exit_code, shown.stdout) == (1, "")
        assert "hint: " in shown.stderr


def test_json_is_one_document(log: Path) -> None:
    import msgspec

    shown = CliRunner().invoke(attempt, [str(log), "--json"])
    assert msgspec.json.decode(shown.stdout, type=Attempt) == try_file(log, None, lines_max=20)
