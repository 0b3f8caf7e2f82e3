"""The JSON of a transaction: keys are a public surface."""

from __future__ import annotations

from tests.unit.path.lines import START, TRANSACTION, line

from clew_query.path import Absent, Around, Collected, Gap, transaction_json

EVENTS = (
    line("gateway", 0, "GET /"),
    line("orders", 1.5, "failed", severity_number=17, severity_text="ERROR", span_id="s1"),
    line("gateway", 2, "500"),
)
AROUND = Around(
    (Gap("h", "payments", "/x", START, None, "lost"),),
    (Absent("mail", False, "h: lost"), Absent("users", True, "all is here")),
    ("3 files have gaps; 1 were looked at",),
)


def document(**collected):
    fields = {"transaction_id": TRANSACTION, "aliases": ("r1",), "events": EVENTS, "total": 3, **collected}
    return transaction_json(Collected(**fields), around=AROUND)


def test_the_shape():
    shown = document()
    assert list(shown) == [
        "transaction_id", "aliases", "total", "returned", "truncated", "invocations", "calls", "critical_path",
        "services", "links", "clock", "gaps", "absent", "events",
    ]  # fmt: skip
    assert list(shown["invocations"][0]) == [
        "id", "service", "instance", "host", "start", "end", "raw_start", "raw_end", "events", "errors", "span_ids",
        "self_time_ns", "slack_ns", "placeholder",
    ]  # fmt: skip
    assert list(shown["calls"][0]) == [
        "parent",
        "child",
        "from",
        "to",
        "kind",
        "probability",
        "evidence",
        "count",
        "why",
    ]
    assert shown["gaps"] == [
        {"host": "h", "source": "/x", "service": "payments", "start": "2023-01-29T08:42:09.000000000Z", "end": None,
         "reason": "lost"}
    ]  # fmt: skip
    assert [(absent["service"], absent["verdict"]) for absent in shown["absent"]] == [
        ("mail", "not_heard"), ("users", "not_called"),
    ]  # fmt: skip
    assert "3 files have gaps; 1 were looked at" in shown["calls"][0]["evidence"]


def test_times_have_nine_digits_and_events_say_their_invocation():
    shown = document()
    assert shown["invocations"][1]["start"] == "2023-01-29T08:42:09.001500000Z"
    assert [event["invocation"] for event in shown["events"]] == ["i1", "i2", "i1"]
    assert shown["invocations"][1]["errors"] == 1
    assert shown["critical_path"][0] == {
        "invocation": "i1",
        "start": "2023-01-29T08:42:09.000000000Z",
        "end": "2023-01-29T08:42:09.002000000Z",
        "root": "i1",
    }
    assert shown["services"] == [
        {"service": "gateway", "invocations": 1, "self_time_ns": 2_000_000, "critical_time_ns": 2_000_000},
        {"service": "orders", "invocations": 1, "self_time_ns": 0, "critical_time_ns": 0},
    ]
    assert (shown["invocations"][1]["self_time_ns"], shown["invocations"][1]["slack_ns"]) == (0, 0)


def test_nothing_is_claimed_about_clocks():
    assert document()["clock"] == [
        {"host": f"host-of-{service}", "offset_ns": 0, "uncertainty_ns": None, "origin": "none"}
        for service in ("gateway", "orders")
    ]


def test_truncation_and_notes_are_said():
    shown = document(total=9, notes=("u1 is shared by more than 20 transactions and unites none",))
    assert (shown["total"], shown["returned"], shown["truncated"]) == (9, 3, True)
    assert "u1 is shared by more than 20 transactions and unites none" in shown["calls"][0]["evidence"]
