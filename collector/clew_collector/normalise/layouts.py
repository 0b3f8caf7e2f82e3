"""Layouts: how lines of text are built, as data. A row is a pattern whose group names are the meaning of its parts.

A line is read in two steps: the clock that it begins with (`clocks.py`), then what follows, by the first row of
`TAILS` that holds. Lines that do not begin with a clock are read whole, by the first row of `WHOLE_LINES` that holds.
So any clock goes with any tail, and a system nobody has seen before is likely to be known in parts.

Group names
    message     the body (a row without it: the whole text is)
    level       a severity word; the row holds only if it is one
    priority    a syslog PRI: facility * 8 + severity
    logger      attribute `logger`;  `thread` likewise
    time        the clock of a whole line
    rest        a line by itself: what was read in front of it is added to it
    structured  RFC 5424 structured data
and any name in `ATTRIBUTES`. A part that is absent, empty or `-` gives nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["ATTRIBUTES", "NUMBERS", "TAILS", "WHOLE_LINES", "Layout"]

ATTRIBUTES = {
    "logger": "logger",
    "thread": "thread",
    "pid": "process.pid",
    "tid": "thread.id",
    "file": "code.file.path",
    "line": "code.line.number",
    "function": "code.function.name",
    "hostname": "hostname",
    "message_id": "syslog.msg_id",
    "client": "client.address",
    "client_port": "client.port",
    "user": "user.name",
    "method": "http.request.method",
    "path": "url.path",
    "query": "url.query",
    "protocol_version": "network.protocol.version",
    "status": "http.response.status_code",
    "bytes": "http.response.body.size",
    "referer": "http.request.header.referer",
    "agent": "user_agent.original",
    "connection": "connection.id",
    "request": "request.id",
    "code": "error.code",
    "node": "node",
}
"""Group name -> attribute key; OpenTelemetry's semantic conventions where they have a name."""

NUMBERS = frozenset({"pid", "tid", "line", "status", "bytes", "client_port", "connection"})
"""Groups whose digits become an integer."""


@dataclass(frozen=True, slots=True)
class Layout:
    """A row. `examples` are lines (tails: without their clock) that it reads; their beginnings say when to try it."""

    name: str
    pattern: str
    examples: tuple[str, ...]
    begins: tuple[str, ...] = ()
    """Other beginnings: only the kinds of the first three characters count (tails: of the first)."""
    after: frozenset[str] = frozenset()
    """Only behind clocks of these names; empty: behind any."""
    levels: dict[str, int] = field(default_factory=dict)
    """Severity numbers of this layout's own level signs."""


_LEVEL = r"(?P<level>[A-Za-z]{3,13}\d?)"
_UPPER = r"(?P<level>[A-Z]{3,13}\d?)"
_LOGGER = r"(?P<logger>[A-Za-z_$][\w.$/@-]{0,199})"
_DOTTED = r"(?P<logger>[A-Za-z_$][\w$-]{0,99}(?:\.[\w$\[\]/<>-]{1,99}){1,30})"
_THREAD = r"\[\s*(?P<thread>[^\]]{0,200}?)\s*\]"
_MESSAGE = r"(?P<message>.*)"
_QUOTED = r"(?:[^\"\\]|\\.)*+"
_ISO = r"\d{4}[-/]\d\d[-/]\d\d[T\ ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:\ ?(?:Z|UTC|[+-]\d\d:?\d\d))?"
_REQUEST = (
    r"\"(?:(?P<method>[A-Z]{3,16})\ (?P<path>[^\s?\"]*)(?:\?(?P<query>[^\s\"]*))?"
    rf"(?:\ HTTP/(?P<protocol_version>[\d.]{{1,3}}))?|{_QUOTED})\""
)
_MAIN_LEVELS = r"TRACE|DEBUG|INFO|NOTICE|WARN(?:ING)?|ERROR|FATAL|CRITICAL|SEVERE"

TAILS: tuple[Layout, ...] = (
    # Syslog without a priority: host, tag, process id
    Layout(
        "syslog",
        rf"(?P<hostname>[\w.:-]{{1,255}})\ (?P<logger>[^\s:\[]{{1,64}})(?:\ [\d.]{{1,16}})?(?:\[(?P<pid>\d+)\])?:\ ?{_MESSAGE}",
        ("combo sshd(pam_unix)[19939]: check pass", "combo syslogd 1.4.1: restart.", "10.0.0.1 su: x"),
        after=frozenset({"syslog"}),
    ),
    Layout(
        "syslog_untagged",
        rf"(?P<hostname>[\w.:-]{{1,255}})\ {_MESSAGE}",
        ("combo -- root[2421]: ROOT LOGIN ON tty2", "10.0.0.1 x"),
        after=frozenset({"syslog"}),
    ),
    # rsyslog with RFC 3339 times
    Layout(
        "syslog_tagged",
        rf"(?P<hostname>[\w.-]{{1,255}})\ (?P<logger>[\w./()@-]{{1,64}})(?:\[(?P<pid>\d+)\]:|(?<=\ kernel):)\ ?{_MESSAGE}",
        ("web1 sshd[24200]: Invalid user", "web1 kernel: oom"),
    ),
    # Android logcat, threadtime
    Layout(
        "logcat",
        rf"(?P<pid>\d+)\ +(?P<tid>\d+)\ (?P<level>[VDIWEF])\ (?P<logger>[^:]{{1,100}}?)\s*:\ {_MESSAGE}",
        ("1702  2395 D WindowManager: printFreezingDisplayLogs",),
        after=frozenset({"month_day_dashed"}),
    ),
    # Phones' step counters and the like: component|pid|message
    Layout(
        "bars",
        rf"(?P<logger>\w{{1,64}})\|(?P<pid>\d+)\|{_MESSAGE}",
        ("Step_LSC|30002312|onStandStepChanged 3579",),
    ),
    Layout(
        "proxifier",
        rf"(?P<logger>\S{{1,100}}(?:\ \*\d\d)?)\ -\ {_MESSAGE}",
        ("chrome.exe - proxy.example.com:5070 close", "360.exe *64 - x"),
        after=frozenset({"month_day_dotted"}),
    ),
    # Spring Boot, with or without an application name and a correlation id
    Layout(
        "spring_boot",
        rf"{_UPPER}\s+(?:\[[^\]]{{0,200}}\]\s+)?(?P<pid>\d+)\s+---\s+"
        rf"(?:\[[^\]]{{0,200}}\]\s*(?=\[(?!\s*(?:[0-9a-f]{{16,32}}-|\]))))*{_THREAD}\s+"
        rf"(?:\[[0-9a-f\s-]{{0,60}}\]\s+)?(?P<logger>[\w.$/\[\]-]{{1,200}})\s*:\ ?{_MESSAGE}",
        ("INFO 12345 --- [           main] c.e.DemoApplication                   : Started",),
    ),
    # zap's console encoder: tabs
    Layout(
        "zap",
        rf"{_LEVEL}\t(?:(?P<logger>[\w.-]{{1,100}})\t)?(?:(?P<file>[\w./@-]{{1,200}}\.go):(?P<line>\d+)\t)?{_MESSAGE}",
        ("INFO\tmain\tcmd/main.go:12\tstarted",),
    ),
    Layout(
        "loguru",
        rf"{_LEVEL}\s+\|\s+(?P<logger>[\w.<>]{{1,100}}):(?P<function>[\w<>]{{1,100}}):(?P<line>\d+)\s+-\s{_MESSAGE}",
        ("INFO     | __main__:run:12 - started",),
    ),
    # logback and log4j: level, thread, logger (Hadoop, HBase)
    Layout(
        "level_thread_logger",
        rf"{_UPPER}\s+{_THREAD}\s+{_LOGGER}(?:[#:](?P<line>\d+))?\s*(?::|\ -)\ {_MESSAGE}",
        ("INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created",),
    ),
    # java.util.logging as Tomcat sets it: level, thread, class and method, nothing in between
    Layout(
        "level_thread_method",
        rf"{_UPPER}\s+{_THREAD}\s+{_DOTTED}\ {_MESSAGE}",
        ("INFO [main] org.apache.catalina.core.StandardService.startInternal Starting service",),
    ),
    Layout(
        "level_logger_number",
        rf"{_UPPER}\s+{_LOGGER}\#(?P<line>\d+)(?:\s*[:-])?\s+{_MESSAGE}",
        ("INFO  c.c.ContactsController#83 [getContacts] found",),
    ),
    Layout(
        "level_logger_colon_number",
        rf"{_UPPER}\s+{_LOGGER}:(?P<line>\d+)\s*[:-]\s{_MESSAGE}",
        ("ERROR com.example.Main:42 - failed",),
    ),
    # Kafka: the logger in parentheses at the end
    Layout(
        "level_message_logger",
        rf"{_UPPER}\s(?P<message>.*)\s\((?P<logger>[A-Za-z_][\w$-]*(?:\.[\w$-]+)+)\)",
        ("INFO [KafkaServer id=0] started (kafka.server.KafkaServer)",),
    ),
    Layout(
        "level_logger",
        rf"{_UPPER}\s+{_LOGGER}\ ?(?::|\ -)\ {_MESSAGE}",
        ("INFO executor.Executor: Finished task", "WARN  o.e.jetty.Server - stopping"),
    ),
    Layout("level_dash", rf"{_UPPER}\s+-\s+{_MESSAGE}", ("INFO  - Received ad request",)),
    Layout("level_colon", rf"{_LEVEL}:\s+{_MESSAGE}", ("error: cannot open", "LOG:  database system is ready")),
    Layout("level_bar", rf"{_LEVEL}\s+\|\s+{_MESSAGE}", ("INFO | started",)),
    Layout("level", rf"{_UPPER}\s+{_MESSAGE}", ("INFO started",)),
    # Postgres behind a zone's name: CET [123] user@db LOG:  ready
    Layout(
        "postgres",
        rf"(?:[A-Z]{{2,5}}\ )?\[(?P<pid>\d+)(?:-\d+)?\]:?\ (?:(?P<user>[^\s@]{{1,63}})@\S{{1,63}}\ )?{_UPPER}:\s+{_MESSAGE}",
        ("CET [123] app@orders LOG:  ready", "[123] LOG:  ready"),
    ),
    # Python: name and level without dashes
    Layout(
        "logger_level",
        rf"{_LOGGER}\s+(?P<level>{_MAIN_LEVELS})(?::|\ -)?\s+{_MESSAGE}",
        ("myapp.views WARNING slow answer",),
    ),
    # ZooKeeper: thread, class and line in one bracket
    Layout(
        "zookeeper",
        rf"-\s+{_UPPER}\s+\[(?P<thread>.{{0,200}}?):(?P<logger>[\w$.]{{1,200}})@(?P<line>\d+)\]\s+-\s{_MESSAGE}",
        ("- INFO  [QuorumPeer[myid=1]/0:0:2181:FastLeaderElection@774] - Notification",),
    ),
    Layout(
        "dash_logger_level",
        rf"-\s+(?P<logger>[\w.$/-]{{1,128}})(?::(?P<line>\d+))?\s+-\s+{_LEVEL}\s+-\s+{_MESSAGE}",
        ("- myapp.views - WARNING - slow answer",),
    ),
    Layout("dash_level", rf"-\s+{_LEVEL}\s+-\s+{_MESSAGE}", ("- INFO - started",)),
    Layout("dash_upper_level", rf"-\s+{_UPPER}:?\s+{_MESSAGE}", ("- INFO started",)),
    # logback's default: thread, level, logger
    Layout(
        "thread_level_logger",
        rf"{_THREAD}\s+{_UPPER}\s+{_LOGGER}(?:[#:](?P<line>\d+))?\s*(?::|-)\s{_MESSAGE}",
        ("[main] INFO  c.e.OrderController - created",),
    ),
    # Apache httpd 2.4
    Layout(
        "apache_error",
        r"\[[\w-]{0,64}:(?P<level>[a-z]{3,7}\d?)\]\s+\[pid\ (?P<pid>\d+)(?::tid\ (?P<tid>\d+))?\]\s+"
        rf"(?:\[client\ (?P<client>[^\]\s]{{1,100}}?)(?::(?P<client_port>\d+))?\]\ )?{_MESSAGE}",
        ("[core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:5312] File does not exist",),
    ),
    Layout(
        "nginx_error",
        rf"\[(?P<level>[a-z]{{3,6}})\]\ (?P<pid>\d+)\#(?P<tid>\d+):\ (?:\*(?P<connection>\d+)\ )?{_MESSAGE}",
        ("[error] 123#456: *789 open() failed",),
    ),
    # gunicorn
    Layout("pid_level", rf"\[(?P<pid>\d+)\]\s+\[{_LEVEL}\]\s+{_MESSAGE}", ("[7] [INFO] Booting worker",)),
    # Elasticsearch
    Layout(
        "level_logger_brackets",
        rf"\[{_UPPER}\s*\]\[(?P<logger>[^\]]{{1,200}}?)\s*\]\s*(?:\[(?P<node>[^\]]{{1,100}})\]\s)?{_MESSAGE}",
        ("[INFO ][o.e.n.Node               ] [node-1] started",),
    ),
    Layout(
        "level_client",
        rf"\[{_LEVEL}\]\ \[client\ (?P<client>[^\]\s]{{1,100}})\]\ {_MESSAGE}",
        ("[error] [client 64.242.88.10] File does not exist",),
    ),
    Layout("bracketed_level", rf"\[\s*{_LEVEL}\s*\][\s:-]*{_MESSAGE}", ("[error] mod_jk child in error state 6",)),
    Layout("thread_level", rf"{_THREAD}\s+{_UPPER}:?\s+{_MESSAGE}", ("[main] INFO started",)),
    # Airflow
    Layout(
        "file_level",
        rf"\{{(?P<file>[\w./-]{{1,200}}):(?P<line>\d+)\}}\s+{_LEVEL}\s+-\s+{_MESSAGE}",
        ("{taskinstance.py:876} INFO - running",),
    ),
    # OpenStack
    Layout(
        "pid_level_logger_request",
        rf"(?P<pid>\d+)\s+{_UPPER}\s+{_LOGGER}\s+\[(?P<request>[^\]]{{1,300}})\]\s{_MESSAGE}",
        ("25746 INFO nova.osapi_compute.wsgi.server [req-38101a0b - - -] GET /v2",),
    ),
    # HDFS
    Layout(
        "pid_level_logger",
        rf"(?P<pid>\d+)\s+{_UPPER}\s+{_LOGGER}\s?:\s{_MESSAGE}",
        ("148 INFO dfs.DataNode$PacketResponder: terminating",),
    ),
    # MySQL
    Layout(
        "mysql",
        rf"(?P<tid>\d+)\ \[{_LEVEL}\]\ (?:\[(?P<code>[\w-]{{1,20}})\]\ \[(?P<logger>\w{{1,20}})\]\ )?{_MESSAGE}",
        ("0 [Warning] [MY-010068] [Server] CA certificate is self signed",),
    ),
    # Windows servicing (CBS)
    Layout(
        "comma_level",
        rf",\s+{_LEVEL}\s+(?P<logger>[A-Z]{{2,10}})\s+{_MESSAGE}",
        (", Info                  CBS    Loaded",),
    ),
    # Celery
    Layout(
        "level_process",
        rf":\s+{_UPPER}/(?P<thread>[\w-]{{1,100}})\]\s+{_MESSAGE}",
        (": INFO/MainProcess] Connected",),
    ),
    Layout("colon_level", rf":\s+{_LEVEL}:\s+{_MESSAGE}", (": WARNING: slow",)),
    Layout("angled_level", rf"<{_LEVEL}>:?\s+{_MESSAGE}", ("<info>  device up",)),
)

WHOLE_LINES: tuple[Layout, ...] = (
    # RFC 5424
    Layout(
        "syslog_protocol",
        r"<(?P<priority>\d{1,3})>\d{1,2}\ (?P<time>\S{1,40})\ (?P<hostname>\S{1,255})\ (?P<logger>\S{1,48})\ "
        r"(?P<pid>\S{1,128})\ (?P<message_id>\S{1,32})\ "
        rf"(?P<structured>-|(?:\[(?:[^\"\]]|\"{_QUOTED}\")*+\])+)(?:\ {_MESSAGE})?",
        ("<34>1 2003-10-11T22:14:15.003Z mymachine su - ID47 - failed", "<7>1 - h a - - - x"),
    ),
    Layout("syslog_priority", r"<(?P<priority>\d{1,3})>(?P<rest>(?!<\d).*)", ("<34>Oct 11 22:14:15 m su: x", "<4>x")),
    # klog, glog
    Layout(
        "klog",
        r"(?P<level>[IWEF])(?P<time>(?:\d{4})?\d{4}\ \d\d:\d\d:\d\d\.\d{6})\s+(?P<tid>\d+)\s"
        rf"(?P<file>[^:\s\]]{{1,200}}):(?P<line>\d+)\]\ ?{_MESSAGE}",
        ("I0102 15:04:05.678901       1 controller.go:12] started",),
    ),
    # Blue Gene/L as published by Loghub; the label in front says whether an alert was raised
    Layout(
        "blue_gene",
        r"\S{1,20}\ \d{10}\ \d{4}\.\d\d\.\d\d\ (?P<node>\S{1,40})\ (?P<time>\d{4}-\d\d-\d\d-[\d.]{8,20})\ \S{1,40}\ "
        rf"\S{{1,20}}\ (?P<logger>\S{{1,20}})\ {_UPPER}\ {_MESSAGE}",
        ("- 1117838570 2005.06.03 R02 2005-06-03-15.42.50.363779 R02 RAS KERNEL INFO corrected",),
        begins=("APPREAD 1",),
    ),
    # Thunderbird, Spirit and Liberty as published by Loghub
    Layout(
        "labelled_syslog",
        r"\S{1,20}\ (?P<time>\d{10})\ \d{4}\.\d\d\.\d\d\ (?P<hostname>\S{1,100})\ [A-Z][a-z]{2}\ {1,2}\d{1,2}\ [\d:]{8}\ "
        rf"\S{{1,100}}\ (?P<logger>[^\s:\[]{{1,64}})(?:\[(?P<pid>\d+)\])?:\ ?{_MESSAGE}",
        ("- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond[2915]: session closed",),
        begins=("VAPI 1",),
    ),
    # A file's name in front, as `grep` prints several files (Loghub's OpenStack)
    Layout(
        "named_openstack",
        rf"[\w.:-]{{1,100}}\ (?P<time>{_ISO})\ (?P<pid>\d+)\ {_UPPER}\ {_LOGGER}\ \[(?P<request>[^\]]{{1,300}})\]\ {_MESSAGE}",
        ("nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-3 - -] GET",),
    ),
    # Common and combined log formats, optionally with a virtual host in front
    Layout(
        "access",
        r"(?:[\w.-]{1,253}(?::\d{1,5})?\ )?(?P<client>[\w.:-]{1,253})\ \S{1,64}\ (?P<user>\S{1,128})\ "
        rf"\[(?P<time>[^\]]{{20,40}})\]\ {_REQUEST}\ (?P<status>\d{{3}}|-)\ (?P<bytes>\d+|-)"
        rf"(?:\ \"(?P<referer>{_QUOTED})\"(?:\ \"(?P<agent>{_QUOTED})\")?)?.*",
        (
            '127.0.0.1 - frank [10/Oct/2000:13:55:36 -0700] "GET /a.gif HTTP/1.0" 200 2326',
            '::1 - - [10/Oct/2000:13:55:36 +0000] "-" 408 -',
        ),
        begins=(
            "10.",
            "1.1",
            "::a",
            "0a0",
            "0a:",
            "00:",
            "00a",
            "0aa",
            "000",
            "aaa",
            "aa0",
            "a00",
            "a0a",
            "aa.",
            "a.a",
        ),
    ),
    # uvicorn's access log
    Layout(
        "uvicorn_access",
        rf"{_UPPER}:\s+(?P<client>[\w.:-]{{1,100}}?):(?P<client_port>\d+)\ -\ {_REQUEST}\ (?P<status>\d{{3}})(?:\ .*)?",
        ('INFO:     127.0.0.1:52345 - "GET / HTTP/1.1" 200 OK',),
    ),
    # Jupyter, Tornado
    Layout(
        "tornado",
        rf"\[(?P<level>[DIWEC])\ (?P<time>{_ISO})\ (?P<logger>[\w.:-]{{1,100}})\]\ {_MESSAGE}",
        ("[I 2024-01-02 12:00:00.123 ServerApp] started",),
        levels={"D": 5, "I": 9, "W": 13, "E": 17, "C": 21},
    ),
    # Redis: pid:role, then a sign for the level
    Layout(
        "redis",
        rf"(?P<pid>\d+):[A-Z]\ (?P<time>\d\d\ [A-Z][a-z]{{2}}\ \d{{4}}\ [\d:.]{{8,12}})\ (?P<level>[.*\#-])\ {_MESSAGE}",
        ("1:C 01 Jan 2024 00:00:00.123 * ready",),
        begins=("12:", "123"),
        levels={".": 5, "-": 9, "*": 10, "#": 13},
    ),
    # The level in front of the clock (Dropwizard and others)
    Layout(
        "level_clock",
        rf"\[?\s*{_LEVEL}\s*\]?[\s:,|-]*[\[(]?(?P<time>{_ISO})[\])]?[\s:,|-]*(?:{_DOTTED}:\s)?{_MESSAGE}",
        (
            "INFO  [2024-01-01 12:00:00,123] com.example.Main: started",
            "[INFO] 2024-01-01 12:00:00 started",
            "[ INFO] 2024-01-01 12:00:00 x",
        ),
    ),
    # Python's logging.basicConfig
    Layout("level_name", rf"{_UPPER}:(?P<logger>[\w.-]{{1,200}}):{_MESSAGE}", ("WARNING:root:slow answer",)),
    Layout("upper_level_colon", rf"(?P<level>{_MAIN_LEVELS}):\s+{_MESSAGE}", ("INFO:     Started server process",)),
    Layout(
        "lower_level_colon",
        rf"(?P<level>trace|debug|info|notice|warn(?:ing)?|error|fatal|critical):\s+{_MESSAGE}",
        ("error: cannot open",),
    ),
    Layout("bracketed_level", rf"\[\s*{_LEVEL}\s*\][\s:-]*{_MESSAGE}", ("[INFO] started", "[ WARN] slow")),
    Layout(
        "thread_level_logger",
        rf"{_THREAD}\s+{_UPPER}\s+{_LOGGER}(?:[#:](?P<line>\d+))?\s*(?::|-)\s{_MESSAGE}",
        ("[main] INFO  c.e.OrderController - created", "[1] INFO a: b"),
        begins=("[a0", "[a-", "[00", "[0-", "[ a", "[a "),
    ),
    Layout("upper_level", rf"(?P<level>{_MAIN_LEVELS})\s+{_MESSAGE}", ("INFO started",)),
)
