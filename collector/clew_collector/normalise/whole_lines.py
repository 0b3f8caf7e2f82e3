"""Lines that do not begin with a clock: read whole, by the first row that holds."""

from __future__ import annotations

from .layouts import DOTTED, ISO, LEVEL, LOGGER, MAIN_LEVELS, MESSAGE, QUOTED, REQUEST, THREAD, UPPER, Layout

__all__ = ["WHOLE_LINES"]

WHOLE_LINES: tuple[Layout, ...] = (
    # RFC 5424
    Layout(
        "syslog_protocol",
        r"<(?P<priority>\d{1,3})>\d{1,2}\ (?P<time>\S{1,40})\ (?P<hostname>\S{1,255})\ (?P<logger>\S{1,48})\ "
        r"(?P<pid>\S{1,128})\ (?P<message_id>\S{1,32})\ "
        rf"(?P<structured>-|(?:\[(?:[^\"\]]|\"{QUOTED}\")*+\])+)(?:\ {MESSAGE})?",
        ("<34>1 2003-10-11T22:14:15.003Z mymachine su - ID47 - failed", "<7>1 - h a - - - x"),
    ),
    Layout("syslog_priority", r"<(?P<priority>\d{1,3})>(?P<rest>(?!<\d).*)", ("<34>Oct 11 22:14:15 m su: x", "<4>x")),
    # klog, glog
    Layout(
        "klog",
        r"(?P<level>[IWEF])(?P<time>(?:\d{4})?\d{4}\ \d\d:\d\d:\d\d\.\d{6})\s+(?P<tid>\d+)\s"
        rf"(?P<file>[^:\s\]]{{1,200}}):(?P<line>\d+)\]\ ?{MESSAGE}",
        ("I0102 15:04:05.678901       1 controller.go:12] started",),
    ),
    # Blue Gene/L as published by Loghub; the label in front says whether an alert was raised
    Layout(
        "blue_gene",
        r"\S{1,20}\ \d{10}\ \d{4}\.\d\d\.\d\d\ (?P<node>\S{1,40})\ (?P<time>\d{4}-\d\d-\d\d-[\d.]{8,20})\ \S{1,40}\ "
        rf"\S{{1,20}}\ (?P<logger>\S{{1,20}})\ {UPPER}\ {MESSAGE}",
        ("- 1117838570 2005.06.03 R02 2005-06-03-15.42.50.363779 R02 RAS KERNEL INFO corrected",),
        begins=("APPREAD 1",),
    ),
    # Thunderbird, Spirit and Liberty as published by Loghub
    Layout(
        "labelled_syslog",
        r"\S{1,20}\ (?P<time>\d{10})\ \d{4}\.\d\d\.\d\d\ (?P<hostname>\S{1,100})\ "
        r"[A-Z][a-z]{2}\ {1,2}\d{1,2}\ [\d:]{8}\ "
        rf"\S{{1,100}}\ (?P<logger>[^\s:\[]{{1,64}})(?:\[(?P<pid>\d+)\])?:\ ?{MESSAGE}",
        ("- 1131566461 2005.11.09 dn228 Nov 9 12:01:01 dn228/dn228 crond[2915]: session closed",),
        begins=("VAPI 1",),
    ),
    # A file's name in front, as `grep` prints several files (Loghub's OpenStack)
    Layout(
        "named_openstack",
        rf"[\w.:-]{{1,100}}\ (?P<time>{ISO})\ (?P<pid>\d+)\ {UPPER}\ {LOGGER}\ "
        rf"\[(?P<request>[^\]]{{1,300}})\]\ {MESSAGE}",
        ("nova-api.log.1.2017-05-16_13:53:08 2017-05-16 00:00:00.008 25746 INFO nova.wsgi [req-3 - -] GET",),
    ),
    # Common and combined log formats, optionally with a virtual host in front
    Layout(
        "access",
        r"(?:[\w.-]{1,253}(?::\d{1,5})?\ )?(?P<client>[\w.:-]{1,253})\ \S{1,64}\ (?P<user>\S{1,128})\ "
        rf"\[(?P<time>[^\]]{{20,40}})\]\ {REQUEST}\ (?P<status>\d{{3}}|-)\ (?P<bytes>\d+|-)"
        rf"(?:\ \"(?P<referer>{QUOTED})\"(?:\ \"(?P<agent>{QUOTED})\")?)?.*",
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
        rf"{UPPER}:\s+(?P<client>[\w.:-]{{1,100}}?):(?P<client_port>\d+)\ -\ {REQUEST}\ (?P<status>\d{{3}})(?:\ .*)?",
        ('INFO:     127.0.0.1:52345 - "GET / HTTP/1.1" 200 OK',),
    ),
    # Jupyter, Tornado
    Layout(
        "tornado",
        rf"\[(?P<level>[DIWEC])\ (?P<time>{ISO})\ (?P<logger>[\w.:-]{{1,100}})\]\ {MESSAGE}",
        ("[I 2024-01-02 12:00:00.123 ServerApp] started",),
        levels={"D": 5, "I": 9, "W": 13, "E": 17, "C": 21},
    ),
    # Redis: pid:role, then a sign for the level
    Layout(
        "redis",
        rf"(?P<pid>\d+):[A-Z]\ (?P<time>\d\d\ [A-Z][a-z]{{2}}\ \d{{4}}\ [\d:.]{{8,12}})\ (?P<level>[.*\#-])\ {MESSAGE}",
        ("1:C 01 Jan 2024 00:00:00.123 * ready",),
        begins=("12:", "123"),
        levels={".": 5, "-": 9, "*": 10, "#": 13},
    ),
    # The level in front of the clock (Dropwizard and others)
    Layout(
        "level_clock",
        rf"\[?\s*{LEVEL}\s*\]?[\s:,|-]*[\[(]?(?P<time>{ISO})[\])]?[\s:,|-]*(?:{DOTTED}:\s)?{MESSAGE}",
        (
            "INFO  [2024-01-01 12:00:00,123] com.example.Main: started",
            "[INFO] 2024-01-01 12:00:00 started",
            "[ INFO] 2024-01-01 12:00:00 x",
        ),
    ),
    # Python's logging.basicConfig
    Layout("level_name", rf"{UPPER}:(?P<logger>[\w.-]{{1,200}}):{MESSAGE}", ("WARNING:root:slow answer",)),
    Layout("upper_level_colon", rf"(?P<level>{MAIN_LEVELS}):\s+{MESSAGE}", ("INFO:     Started server process",)),
    Layout(
        "lower_level_colon",
        rf"(?P<level>trace|debug|info|notice|warn(?:ing)?|error|fatal|critical):\s+{MESSAGE}",
        ("error: cannot open",),
    ),
    Layout("bracketed_level", rf"\[\s*{LEVEL}\s*\][\s:-]*{MESSAGE}", ("[INFO] started", "[ WARN] slow")),
    Layout(
        "thread_level_logger",
        rf"{THREAD}\s+{UPPER}\s+{LOGGER}(?:[#:](?P<line>\d+))?\s*(?::|-)\s{MESSAGE}",
        ("[main] INFO  c.e.OrderController - created", "[1] INFO a: b"),
        begins=("[a0", "[a-", "[00", "[0-", "[ a", "[a "),
    ),
    Layout("upper_level", rf"(?P<level>{MAIN_LEVELS})\s+{MESSAGE}", ("INFO started",)),
)
