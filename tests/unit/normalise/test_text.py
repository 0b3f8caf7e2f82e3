"""What lines of text become: the table is the specification."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from tests.unit.normalise.lines import chunk_of, ns

from clew_collector.event import Event
from clew_collector.normalise import Normaliser

Read = Callable[..., Event]


class Case(NamedTuple):
    line: str
    time: str | None
    severity: int
    word: str
    body: str
    attributes: dict[str, Any] = {}  # noqa: RUF012 - never changed


CASES = {
    "logback with thread": Case(
        "2015-10-18 18:01:47,978 INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created for app",
        "2015-10-18 18:01:47.978", 9, "INFO", "Created for app",
        {"thread": "main", "logger": "org.apache.hadoop.mapreduce.v2.app.MRAppMaster"},
    ),
    "thread with spaces and colons": Case(
        "2015-10-18 18:06:51,203 WARN [LeaseRenewer:msrabi@msra-sa-41:9000] org.apache.hadoop.hdfs.LeaseRenewer: No: x",
        "2015-10-18 18:06:51.203", 13, "WARN", "No: x",
        {"thread": "LeaseRenewer:msrabi@msra-sa-41:9000", "logger": "org.apache.hadoop.hdfs.LeaseRenewer"},
    ),
    "logback's default": Case(
        "2024-01-02 12:00:00.123 [http-nio-8080-exec-1] ERROR c.e.OrderController - order 7 failed - retry",
        "2024-01-02 12:00:00.123", 17, "ERROR", "order 7 failed - retry",
        {"thread": "http-nio-8080-exec-1", "logger": "c.e.OrderController"},
    ),
    "logback's default, time of day only": Case(
        "12:00:00.123 [main] DEBUG c.e.Main - started",
        None, 5, "DEBUG", "started",
        {"thread": "main", "logger": "c.e.Main", "clew.time_of_day": "12:00:00.123"},
    ),
    "zookeeper": Case(
        "2015-07-29 17:41:44,747 - INFO  [QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181:FastLeaderElection@774] - Time out",
        "2015-07-29 17:41:44.747", 9, "INFO", "Time out",
        {"thread": "QuorumPeer[myid=1]/0:0:0:0:0:0:0:0:2181", "logger": "FastLeaderElection", "code.line.number": 774},
    ),
    "spark": Case(
        "17/06/09 20:10:40 INFO executor.CoarseGrainedExecutorBackend: Registered [TERM, HUP]",
        "2017-06-09 20:10:40", 9, "INFO", "Registered [TERM, HUP]",
        {"logger": "executor.CoarseGrainedExecutorBackend"},
    ),
    "hdfs": Case(
        "081109 203615 148 INFO dfs.DataNode$PacketResponder: PacketResponder 1 for block blk_38 terminating",
        "2008-11-09 20:36:15", 9, "INFO", "PacketResponder 1 for block blk_38 terminating",
        {"process.pid": 148, "logger": "dfs.DataNode$PacketResponder"},
    ),
    "spring boot": Case(
        "2024-01-02 12:00:00.123  WARN 12345 --- [           main] c.e.DemoApplication    : Started in 2 s",
        "2024-01-02 12:00:00.123", 13, "WARN", "Started in 2 s",
        {"process.pid": 12345, "thread": "main", "logger": "c.e.DemoApplication"},
    ),
    "spring boot 3, application and correlation": Case(
        "2024-01-02T12:00:00.123+02:00  INFO 1 --- [orders] [nio-8080-exec-2] "
        "[803b448a0489f84084905d3093480352-3425f23bb2432450] c.e.Orders : placed",
        "2024-01-02 10:00:00.123", 9, "INFO", "placed",
        {"process.pid": 1, "thread": "nio-8080-exec-2", "logger": "c.e.Orders"},
    ),
    "a logger with brackets": Case(
        "12:00:00.123 ERROR o.a.c.c.C.[.[.[/].[dispatcherServlet]#175 Servlet.service() threw",
        None, 17, "ERROR", "Servlet.service() threw",
        {
            "logger": "o.a.c.c.C.[.[.[/].[dispatcherServlet]", "code.line.number": 175,
            "clew.time_of_day": "12:00:00.123",
        },
    ),
    "tomcat": Case(
        "01-Jan-2024 00:00:00.123 INFO [main] org.apache.catalina.startup.Catalina.start Server startup in 5 ms",
        "2024-01-01 00:00:00.123", 9, "INFO", "Server startup in 5 ms",
        {"thread": "main", "logger": "org.apache.catalina.startup.Catalina.start"},
    ),
    "kafka": Case(
        "[2024-01-02 12:00:00,123] INFO [KafkaServer id=0] started (kafka.server.KafkaServer)",
        "2024-01-02 12:00:00.123", 9, "INFO", "[KafkaServer id=0] started", {"logger": "kafka.server.KafkaServer"},
    ),
    "elasticsearch": Case(
        "[2024-01-02T12:00:00,123][WARN ][o.e.n.Node               ] [node-1] slow",
        "2024-01-02 12:00:00.123", 13, "WARN", "slow", {"logger": "o.e.n.Node", "node": "node-1"},
    ),
    "python, dashes": Case(
        "2024-01-02 12:00:00,123 - myapp.views - CRITICAL - cannot - go on",
        "2024-01-02 12:00:00.123", 21, "CRITICAL", "cannot - go on", {"logger": "myapp.views"},
    ),
    "python, basicConfig": Case("WARNING:app.views:slow: 3", None, 13, "WARNING", "slow: 3", {"logger": "app.views"}),
    "python, level and message": Case(
        "2024-01-02 12:00:00,123 ERROR no such order", "2024-01-02 12:00:00.123", 17, "ERROR", "no such order"
    ),
    "python, name then level": Case(
        "2024-01-02 12:00:00,123 myapp.views WARNING slow",
        "2024-01-02 12:00:00.123", 13, "WARNING", "slow", {"logger": "myapp.views"},
    ),
    "loguru": Case(
        "2024-01-02 12:00:00.123 | SUCCESS  | __main__:run:12 - done",
        "2024-01-02 12:00:00.123", 10, "SUCCESS", "done",
        {"logger": "__main__", "code.function.name": "run", "code.line.number": 12},
    ),
    "structlog's console": Case(
        "2024-01-02T12:00:00.123456Z [warning  ] order late    order=7",
        "2024-01-02 12:00:00.123456", 13, "warning", "order late    order=7",
    ),
    "celery": Case(
        "[2024-01-02 12:00:00,123: INFO/MainProcess] Connected",
        "2024-01-02 12:00:00.123", 9, "INFO", "Connected", {"thread": "MainProcess"},
    ),
    "airflow": Case(
        "[2024-01-02T12:00:00.123+0000] {taskinstance.py:876} INFO - running",
        "2024-01-02 12:00:00.123", 9, "INFO", "running", {"code.file.path": "taskinstance.py", "code.line.number": 876},
    ),
    "zap's console": Case(
        "2024-01-02T12:00:00.123Z\tINFO\ta.go:12\tstarted\t{\"a\": 1}",
        "2024-01-02 12:00:00.123", 9, "INFO", 'started\t{"a": 1}', {"code.file.path": "a.go", "code.line.number": 12},
    ),
    "winston": Case("2024-01-02T12:00:00.123Z error: no order", "2024-01-02 12:00:00.123", 17, "error", "no order"),
    "go's standard log": Case("2009/11/10 23:00:00 listening on :80", "2009-11-10 23:00:00", 0, "", "listening on :80"),
    "klog": Case(
        "E0102 15:04:05.678901       1 controller.go:12] cannot sync",
        "2024-01-02 15:04:05.678901", 17, "E", "cannot sync",
        {"thread.id": 1, "code.file.path": "controller.go", "code.line.number": 12},
    ),
    "glog with a year": Case(
        "W20240102 15:04:05.678901 7 a.cc:3] slow",
        "2024-01-02 15:04:05.678901", 13, "W", "slow",
        {"thread.id": 7, "code.file.path": "a.cc", "code.line.number": 3},
    ),
    "apache error": Case(
        "[Sun Dec 04 04:47:44 2005] [error] mod_jk child workerEnv in error state 6",
        "2005-12-04 04:47:44", 17, "error", "mod_jk child workerEnv in error state 6",
    ),
    "apache error, notice": Case(
        "[Sun Dec 04 04:47:44 2005] [notice] ok", "2005-12-04 04:47:44", 10, "notice", "ok"
    ),
    "apache 2.4 error": Case(
        "[Wed Oct 11 14:32:52.123456 2023] [core:error] [pid 35708:tid 432] [client 72.15.99.187:5312] File missing",
        "2023-10-11 14:32:52.123456", 17, "error", "File missing",
        {"process.pid": 35708, "thread.id": 432, "client.address": "72.15.99.187", "client.port": 5312},
    ),
    "nginx error": Case(
        "2024/01/02 12:00:00 [crit] 123#456: *789 connect() failed, client: 10.0.0.1",
        "2024-01-02 12:00:00", 18, "crit", "connect() failed, client: 10.0.0.1",
        {"process.pid": 123, "thread.id": 456, "connection.id": 789},
    ),
    "combined access log": Case(
        '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif?x=1 HTTP/1.0" 500 2326 "http://e.com/" "Mozilla/4"',
        "2000-10-10 20:55:36", 0, "",
        '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif?x=1 HTTP/1.0" 500 2326 "http://e.com/" "Mozilla/4"',
        {
            "client.address": "127.0.0.1", "user.name": "frank", "http.request.method": "GET", "url.path": "/a.gif",
            "url.query": "x=1", "network.protocol.version": "1.0", "http.response.status_code": 500,
            "http.response.body.size": 2326, "http.request.header.referer": "http://e.com/",
            "user_agent.original": "Mozilla/4",
        },
    ),
    "common access log, bad request, IPv6": Case(
        '2001:db8::1 - - [10/Oct/2000:13:55:36 +0000] "\\x16\\x03" 400 -',
        "2000-10-10 13:55:36", 0, "", '2001:db8::1 - - [10/Oct/2000:13:55:36 +0000] "\\x16\\x03" 400 -',
        {"client.address": "2001:db8::1", "http.response.status_code": 400},
    ),
    "uvicorn": Case("INFO:     Started server process [7]", None, 9, "INFO", "Started server process [7]"),
    "uvicorn access": Case(
        'INFO:     127.0.0.1:52345 - "GET /o/1 HTTP/1.1" 404 Not Found',
        None, 9, "INFO", 'INFO:     127.0.0.1:52345 - "GET /o/1 HTTP/1.1" 404 Not Found',
        {
            "client.address": "127.0.0.1", "client.port": 52345, "http.request.method": "GET", "url.path": "/o/1",
            "network.protocol.version": "1.1", "http.response.status_code": 404,
        },
    ),
    "gunicorn": Case(
        "[2024-01-02 12:00:00 +0100] [7] [INFO] Booting worker",
        "2024-01-02 11:00:00", 9, "INFO", "Booting worker", {"process.pid": 7},
    ),
    "syslog": Case(
        "Jun 14 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; uid=0",
        "2024-06-14 15:16:01", 0, "", "authentication failure; uid=0",
        {"hostname": "combo", "logger": "sshd(pam_unix)", "process.pid": 19939},
    ),
    "syslog, day of one digit, no pid": Case(
        "Jun  9 04:08:57 combo cups: cupsd shutdown succeeded",
        "2024-06-09 04:08:57", 0, "", "cupsd shutdown succeeded", {"hostname": "combo", "logger": "cups"},
    ),
    "syslog, no tag": Case(
        "Jun 14 15:16:01 combo -- root[2421]: ROOT LOGIN ON tty2",
        "2024-06-14 15:16:01", 0, "", "-- root[2421]: ROOT LOGIN ON tty2", {"hostname": "combo"},
    ),
    "syslog, the daemon's own level": Case(
        "Dec 10 06:55:46 LabSZ sshd[24200]: error: Received disconnect",
        "2023-12-10 06:55:46", 17, "error", "error: Received disconnect",
        {"hostname": "LabSZ", "logger": "sshd", "process.pid": 24200},
    ),
    "syslog with a priority": Case(
        "<13>Jun 14 15:16:01 web1 cron[7]: run",
        "2024-06-14 15:16:01", 10, "", "run", {"hostname": "web1", "logger": "cron", "process.pid": 7},
    ),
    "RFC 5424": Case(
        '<34>1 2003-10-11T22:14:15.003-07:00 mymachine su 7 ID47 [ex@1 iut="3" src="a\\"b"][o x="y"] failed',
        "2003-10-12 05:14:15.003", 18, "", "failed",
        {
            "hostname": "mymachine", "logger": "su", "process.pid": 7, "syslog.msg_id": "ID47",
            "ex@1.iut": "3", "ex@1.src": 'a"b', "o.x": "y",
        },
    ),
    "RFC 5424, all nil": Case("<165>1 - - - - - -", None, 10, "", ""),
    "rsyslog with RFC 3339": Case(
        "2024-01-02T12:00:00.123456+01:00 web1 sshd[24200]: Invalid user",
        "2024-01-02 11:00:00.123456", 0, "", "Invalid user",
        {"hostname": "web1", "logger": "sshd", "process.pid": 24200},
    ),
    "windows servicing": Case(
        "2016-09-28 04:30:30, Info                  CBS    Loaded Servicing Stack",
        "2016-09-28 04:30:30", 9, "Info", "Loaded Servicing Stack", {"logger": "CBS"},
    ),
    "postgres": Case(
        "2024-01-02 12:00:00.123 UTC [1234] app@orders ERROR:  deadlock detected",
        "2024-01-02 12:00:00.123", 17, "ERROR", "deadlock detected", {"process.pid": 1234, "user.name": "app"},
    ),
    "mysql": Case(
        "2024-01-02T12:00:00.123456Z 0 [Warning] [MY-010068] [Server] CA certificate is self signed.",
        "2024-01-02 12:00:00.123456", 13, "Warning", "CA certificate is self signed.",
        {"thread.id": 0, "error.code": "MY-010068", "logger": "Server"},
    ),
    "redis": Case(
        "1:M 02 Jan 2024 12:00:00.123 # overcommit is off",
        "2024-01-02 12:00:00.123", 13, "#", "overcommit is off", {"process.pid": 1},
    ),
    "rabbitmq": Case(
        "2024-01-02 12:00:00.123456+00:00 [info] <0.222.0> started",
        "2024-01-02 12:00:00.123456", 9, "info", "<0.222.0> started",
    ),
    "openstack": Case(
        "2017-05-16 00:00:00.008 25746 INFO nova.osapi.wsgi [req-3 - - -] GET /v2 status: 200",
        "2017-05-16 00:00:00.008", 9, "INFO", "GET /v2 status: 200",
        {"process.pid": 25746, "logger": "nova.osapi.wsgi", "request.id": "req-3 - - -"},
    ),
    "android": Case(
        "03-17 16:13:38.811  1702  2395 D WindowManager: printFreezing",
        "2024-03-17 16:13:38.811", 5, "D", "printFreezing",
        {"process.pid": 1702, "thread.id": 2395, "logger": "WindowManager"},
    ),
    "blue gene": Case(
        "- 1117838570 2005.06.03 R02-M1 2005-06-03-15.42.50.363779 R02-M1 RAS KERNEL FATAL parity error",
        "2005-06-03 15:42:50.363779", 21, "FATAL", "parity error", {"node": "R02-M1", "logger": "KERNEL"},
    ),
    "dropwizard": Case(
        "INFO  [2024-01-02 12:00:00,123] com.example.Main: started",
        "2024-01-02 12:00:00.123", 9, "INFO", "started", {"logger": "com.example.Main"},
    ),
    "jupyter": Case(
        "[W 2024-01-02 12:00:00.123 ServerApp] slow",
        "2024-01-02 12:00:00.123", 13, "W", "slow", {"logger": "ServerApp"},
    ),
    "level in brackets": Case("[ERROR] no order", None, 17, "ERROR", "no order"),
    "level alone": Case("ERROR no order", None, 17, "ERROR", "no order"),
    "colours": Case(
        "\x1b[2m2024-01-02T12:00:00.123Z\x1b[0m \x1b[32mINFO\x1b[0m ready",
        "2024-01-02 12:00:00.123", 9, "INFO", "ready",
    ),
    "a byte order mark": Case("\ufeff2024-01-02T12:00:00Z INFO ready", "2024-01-02 12:00:00", 9, "INFO", "ready"),
    "the hole of a truncated file": Case(
        "\0\0\0\x002024-01-02T12:00:00Z INFO ready", "2024-01-02 12:00:00", 9, "INFO", "ready"
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_line_is_read_as(case: Case, read: Read) -> None:
    event = read(case.line)
    assert event.timestamp == (ns(case.time) if case.time else None)
    assert (event.severity_number, event.severity_text) == (case.severity, case.word)
    assert event.body == case.body
    assert event.attributes == case.attributes
    assert event.original == case.line.encode()


PLAIN = [
    "\tat com.example.Main.run(Main.java:42)",
    "    at Object.<anonymous> (/srv/app.js:1:7)",
    "Caused by: java.lang.IllegalStateException: Error: no order",
    "Traceback (most recent call last):",
    '  File "/srv/app.py", line 7, in run',
    "ValueError: no such order",
    "Error: Cannot find module 'x'",
    "java.lang.NullPointerException",
    "goroutine 1 [running]:",
    "... 23 more",
    "",
    " ",
    "{",
    "}",
    "<html>",
    "[1, 2, 3]",
    "12",
    "123456 654321 and so on",
    "Error while connecting",
    "May the force be with you",
    "a = b",
    "10.0.0.1 is up",
    "<999999>x",
    "<<<<<",
]


@pytest.mark.parametrize("line", PLAIN)
def test_what_no_layout_knows_is_a_body_without_time_or_severity(line: str, read: Read) -> None:
    event = read(line)
    assert (event.timestamp, event.severity_number, event.severity_text) == (None, 0, "")
    assert (event.body, event.attributes) == (line, {})


def test_a_line_is_read_alike_whatever_lines_are_around_it(normaliser: Normaliser) -> None:
    """Sticky guesses would make an event depend on where an agent cut its chunks."""
    lines = [case.line.encode() for case in CASES.values()] + [line.encode() for line in PLAIN]
    alone = {line: normaliser.events(chunk_of([line]))[0] for line in lines}
    for neighbours in (lines, lines[::-1], lines[::2] + lines[1::2]):
        for event in normaliser.events(chunk_of(neighbours)):
            one = alone[event.original]
            assert (event.timestamp, event.severity_number, event.body, event.attributes) == (
                one.timestamp,
                one.severity_number,
                one.body,
                one.attributes,
            )


def test_the_calling_hop_of_instrumented_services_is_an_attribute(read: Read) -> None:
    event = read("2024-06-15 12:00:00,123 INFO stock [span_id=00f067aa0ba902b7 caller_hop=00f067aa0ba902b9] tea")
    assert (event.span_id, event.attributes["caller_hop"]) == ("00f067aa0ba902b7", "00f067aa0ba902b9")
