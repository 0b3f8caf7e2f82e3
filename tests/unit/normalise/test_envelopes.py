"""Lines inside the envelopes of container runtimes."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from tests.unit.normalise.lines import ns

from clew_collector.event import Event

Read = Callable[..., Event]
OUTER = "2023-01-29T08:42:09.735123456Z"
OUTER_NS = ns("2023-01-29 08:42:09.735123456")
SPAN = "b959018f709a6ffe"
TRACE = "76f063c743a59130cf91efba9bb1067e"


def docker(log: str, stream: str = "stdout") -> str:
    return json.dumps({"log": log, "stream": stream, "time": OUTER}, separators=(",", ":"))


class TestDocker:
    def test_the_inner_line_is_read_and_the_runtime_dates_it(self, read: Read) -> None:
        line = docker(f"16:42:09.735 INFO  c.c.ContactsController#83 TraceID: {TRACE} SpanID: {SPAN} [find] ok\n")
        event = read(line, trace=TRACE)
        assert event.timestamp == OUTER_NS
        assert (event.severity_number, event.severity_text, event.span_id, event.body) == (9, "INFO", SPAN, "[find] ok")
        assert event.attributes == {
            "log.iostream": "stdout",
            "logger": "c.c.ContactsController",
            "code.line.number": 83,
        }
        assert event.original == line.encode()

    @pytest.mark.parametrize(
        ("inner", "time"),
        [
            ("2023-01-29T09:00:00.5+01:00 INFO x", "2023-01-29 08:00:00.5"),
            ("2023-01-29 08:00:00 INFO x", None),
            ("08:00:00.5 INFO x", None),
            ("Jan 29 08:00:00 h a: x", None),
            ('{"timestamp":"2023-01-29T08:00:00.5Z","msg":"x"}', "2023-01-29 08:00:00.5"),
            ('{"ts":1674979200.5,"msg":"x"}', "2023-01-29 08:00:00.5"),
            ("time=2023-01-29T08:00:00.5Z level=info msg=x", "2023-01-29 08:00:00.5"),
            ("x", None),
        ],
    )
    def test_only_a_full_time_with_a_zone_overrides_the_runtimes(
        self, inner: str, time: str | None, read: Read
    ) -> None:
        event = read(docker(inner + "\n"))
        assert event.timestamp == (ns(time) if time else OUTER_NS)
        assert event.body == "x"

    def test_a_stack_trace_line_is_dated_too(self, read: Read) -> None:
        event = read(docker("\tat c.e.Main.run(Main.java:42)\n", "stderr"))
        assert (event.timestamp, event.severity_number) == (OUTER_NS, 0)
        assert (event.body, event.attributes) == ("\tat c.e.Main.run(Main.java:42)", {"log.iostream": "stderr"})

    def test_keys_in_another_order_with_blanks(self, read: Read) -> None:
        event = read(f'{{"stream": "stderr", "time": "{OUTER}", "log": "WARN slow\\r\\n"}}')
        assert (event.timestamp, event.severity_number, event.body) == (OUTER_NS, 13, "slow")

    def test_labels_of_the_driver_are_attributes(self, read: Read) -> None:
        event = read(f'{{"log":"x\\n","stream":"stdout","attrs":{{"tag":"web"}},"time":"{OUTER}"}}')
        assert event.attributes == {"log.iostream": "stdout", "attrs.tag": "web"}

    def test_a_time_that_is_none_leaves_the_inner_one(self, read: Read) -> None:
        event = read('{"log":"2023-01-29 08:00:00 INFO x\\n","stream":"stdout","time":"yesterday"}')
        assert (event.timestamp, event.body) == (ns("2023-01-29 08:00:00"), "x")

    def test_a_programs_own_key_log_is_no_envelope(self, read: Read) -> None:
        event = read(f'{{"log":"x","time":"{OUTER}","order":7}}')
        assert (event.timestamp, event.body, event.attributes) == (OUTER_NS, "x", {"order": 7})

    def test_an_envelope_in_an_envelope_is_not_opened(self, read: Read) -> None:
        event = read(docker(docker("INFO x\n")))
        assert event.attributes["log.iostream"] == "stdout"

    def test_the_rest_of_another_line_behind_it_is_counted(self, read: Read) -> None:
        """Found in the wild: what is left of a line that was overwritten."""
        line = docker("WARN slow\n") + ':""2023-01-29T10:05:38.232380115Z""}"'
        event = read(line)
        assert (event.timestamp, event.severity_number, event.body) == (OUTER_NS, 13, "slow")
        assert event.attributes == {"log.iostream": "stdout", "clew.torn_bytes": 37}
        assert event.original == line.encode()

    def test_half_an_envelope_is_text(self, read: Read) -> None:
        line = docker("WARN slow\n")[:-10]
        event = read(line)
        assert (event.timestamp, event.severity_number, event.body) == (None, 0, line)

    def test_an_empty_line(self, read: Read) -> None:
        event = read(docker("\n"))
        assert (event.body, event.timestamp) == ("", OUTER_NS)


class TestCri:
    def test_the_inner_line_is_read(self, read: Read) -> None:
        event = read(f"{OUTER} stderr F 08:42:09.735 ERROR c.e.Orders - late")
        assert (event.timestamp, event.severity_number, event.body) == (OUTER_NS, 17, "late")
        assert event.attributes == {"log.iostream": "stderr", "logger": "c.e.Orders"}

    def test_a_zone_with_an_offset(self, read: Read) -> None:
        event = read("2023-01-29T09:42:09.735123456+01:00 stdout F x")
        assert (event.timestamp, event.body) == (OUTER_NS, "x")

    def test_a_part_of_a_line_says_so(self, read: Read) -> None:
        assert read(f"{OUTER} stdout P x").attributes == {"log.iostream": "stdout", "log.partial": True}

    def test_json_inside(self, read: Read) -> None:
        event = read(f'{OUTER} stdout F {{"level":"error","msg":"late"}}')
        assert (event.timestamp, event.severity_number, event.body) == (OUTER_NS, 17, "late")

    def test_an_empty_line(self, read: Read) -> None:
        assert read(f"{OUTER} stdout F ").body == ""
