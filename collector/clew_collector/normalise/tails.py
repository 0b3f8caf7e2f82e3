"""Tails: what may follow the clock that a line begins with. The first row that holds reads the line."""

from __future__ import annotations

from .layouts import DOTTED, LEVEL, LOGGER, MAIN_LEVELS, MESSAGE, THREAD, UPPER, Layout

__all__ = ["TAILS"]

TAILS: tuple[Layout, ...] = (
    # Syslog without a priority: host, tag, process id
    Layout(
        "syslog",
        r"(?P<hostname>[\w.:-]{1,255})\ (?P<logger>[^\s:\[]{1,64})(?:\ [\d.]{1,16})?(?:\[(?P<pid>\d+)\])?:\ ?"
        rf"{MESSAGE}",
        ("combo sshd(pam_unix)[19939]: check pass", "combo syslogd 1.4.1: restart.", "10.0.0.1 su: x"),
        after=frozenset({"syslog"}),
    ),
    Layout(
        "syslog_untagged",
        rf"(?P<hostname>[\w.:-]{{1,255}})\ {MESSAGE}",
        ("combo -- root[2421]: ROOT LOGIN ON tty2", "10.0.0.1 x"),
        after=frozenset({"syslog"}),
    ),
    # Android logcat, threadtime
    Layout(
        "logcat",
        rf"(?P<pid>\d+)\ +(?P<tid>\d+)\ (?P<level>[VDIWEF])\ (?P<logger>[^:]{{1,100}}?)\s*:\ {MESSAGE}",
        ("1702  2395 D WindowManager: printFreezingDisplayLogs",),
        after=frozenset({"month_day_dashed"}),
    ),
    # Phones' step counters and the like: component|pid|message
    Layout(
        "bars",
        rf"(?P<logger>\w{{1,64}})\|(?P<pid>\d+)\|{MESSAGE}",
        ("Step_LSC|30002312|onStandStepChanged 3579",),
    ),
    Layout(
        "proxifier",
        rf"(?P<logger>\S{{1,100}}(?:\ \*\d\d)?)\ -\ {MESSAGE}",
        ("chrome.exe - proxy.example.com:5070 close", "360.exe *64 - x"),
        after=frozenset({"month_day_dotted"}),
    ),
    Layout(
        "level_logger_number",
        rf"{UPPER}\s+{LOGGER}\#(?P<line>\d+)(?:\s*[:-])?\s+{MESSAGE}",
        ("INFO  c.c.ContactsController#83 [getContacts] found",),
    ),
    # zap's console encoder: tabs
    Layout(
        "zap",
        rf"{LEVEL}\t(?:(?P<logger>[\w.-]{{1,100}})\t)?(?:(?P<file>[\w./@-]{{1,200}}\.go):(?P<line>\d+)\t)?{MESSAGE}",
        ("INFO\tmain\tcmd/main.go:12\tstarted",),
    ),
    Layout(
        "level_logger_colon_number",
        rf"{UPPER}\s+{LOGGER}:(?P<line>\d+)\s*[:-]\s{MESSAGE}",
        ("ERROR com.example.Main:42 - failed",),
    ),
    Layout(
        "level_logger",
        rf"{UPPER}\s+{LOGGER}\ ?(?::|\ -)\ {MESSAGE}",
        ("INFO executor.Executor: Finished task", "WARN  o.e.jetty.Server - stopping"),
    ),
    # Spring Boot, with or without an application name and a correlation id
    Layout(
        "spring_boot",
        rf"{UPPER}\s+(?:\[[^\]]{{0,200}}\]\s+)?(?P<pid>\d+)\s+---\s+"
        rf"(?:\[[^\]]{{0,200}}\]\s*(?=\[(?!\s*(?:[0-9a-f]{{16,32}}-|\]))))*{THREAD}\s+"
        rf"(?:\[[0-9a-f\s-]{{0,60}}\]\s+)?(?P<logger>[\w.$/\[\]-]{{1,200}})\s*:\ ?{MESSAGE}",
        ("INFO 12345 --- [           main] c.e.DemoApplication                   : Started",),
    ),
    # logback and log4j: level, thread, logger (Hadoop, HBase)
    Layout(
        "level_thread_logger",
        rf"{UPPER}\s+{THREAD}\s+{LOGGER}(?:[#:](?P<line>\d+))?\s*(?::|\ -)\ {MESSAGE}",
        ("INFO [main] org.apache.hadoop.mapreduce.v2.app.MRAppMaster: Created",),
    ),
    # java.util.logging as Tomcat sets it: level, thread, class and method, nothing in between
    Layout(
        "level_thread_method",
        rf"{UPPER}\s+{THREAD}\s+{DOTTED}\ {MESSAGE}",
        ("INFO [main] org.apache.catalina.core.StandardService.startInternal Starting service",),
    ),
    Layout(
        "loguru",
        rf"{LEVEL}\s+\|\s+(?P<logger>[\w.<>]{{1,100}}):(?P<function>[\w<>]{{1,100}}):(?P<line>\d+)\s+-\s{MESSAGE}",
        ("INFO     | __main__:run:12 - started",),
    ),
    Layout("level_bar", rf"{LEVEL}\s+\|\s+{MESSAGE}", ("INFO | started",)),
    Layout("level_dash", rf"{UPPER}\s+-\s+{MESSAGE}", ("INFO  - Received ad request",)),
    # Kafka: the logger in parentheses at the end
    Layout(
        "level_message_logger",
        rf"{UPPER}\s(?P<message>.*)\s\((?P<logger>[A-Za-z_][\w$-]*(?:\.[\w$-]+)+)\)",
        ("INFO [KafkaServer id=0] started (kafka.server.KafkaServer)",),
        ends=")",
    ),
    Layout("level", rf"{UPPER}\s+{MESSAGE}", ("INFO started",)),
    Layout("level_colon", rf"{LEVEL}:\s+{MESSAGE}", ("error: cannot open", "LOG:  database system is ready")),
    # rsyslog with RFC 3339 times
    Layout(
        "syslog_tagged",
        r"(?P<hostname>[\w.-]{1,255})\ (?P<logger>[\w./()@-]{1,64})(?:\[(?P<pid>\d+)\]:|(?<=\ kernel):)\ ?"
        rf"{MESSAGE}",
        ("web1 sshd[24200]: Invalid user", "web1 kernel: oom"),
    ),
    # Python: name and level without dashes
    Layout(
        "logger_level",
        rf"{LOGGER}\s+(?P<level>{MAIN_LEVELS})(?::|\ -)?\s+{MESSAGE}",
        ("myapp.views WARNING slow answer",),
    ),
    # Postgres behind a zone's name: CET [123] user@db LOG:  ready
    Layout(
        "postgres",
        r"(?:[A-Z]{2,5}\ )?\[(?P<pid>\d+)(?:-\d+)?\]:?\ (?:(?P<user>[^\s@]{1,63})@\S{1,63}\ )?"
        rf"{UPPER}:\s+{MESSAGE}",
        ("CET [123] app@orders LOG:  ready", "[123] LOG:  ready"),
    ),
    # ZooKeeper: thread, class and line in one bracket
    Layout(
        "zookeeper",
        rf"-\s+{UPPER}\s+\[(?P<thread>.{{0,200}}?):(?P<logger>[\w$.]{{1,200}})@(?P<line>\d+)\]\s+-\s{MESSAGE}",
        ("- INFO  [QuorumPeer[myid=1]/0:0:2181:FastLeaderElection@774] - Notification",),
    ),
    Layout(
        "dash_logger_level",
        rf"-\s+(?P<logger>[\w.$/-]{{1,128}})(?::(?P<line>\d+))?\s+-\s+{LEVEL}\s+-\s+{MESSAGE}",
        ("- myapp.views - WARNING - slow answer",),
    ),
    Layout("dash_level", rf"-\s+{LEVEL}\s+-\s+{MESSAGE}", ("- INFO - started",)),
    Layout("dash_upper_level", rf"-\s+{UPPER}:?\s+{MESSAGE}", ("- INFO started",)),
    # logback's default: thread, level, logger
    Layout(
        "thread_level_logger",
        rf"{THREAD}\s+{UPPER}\s+{LOGGER}(?:[#:](?P<line>\d+))?\s*(?::|-)\s{MESSAGE}",
        ("[main] INFO  c.e.OrderController - created",),
    ),
    # Apache httpd 2.4
    Layout(
        "apache_error",
        r"\[[\w-]{0,64}:(?P<level>[a-z]{3,7}\d?)\]\s+\[pid\ (?P<pid>\d+)(?::tid\ (?P<tid>\d+))?\]\s+"
        rf"(?:\[client\ (?P<client>[^\]\s]{{1,100}}?)(?::(?P<client_port>\d+))?\]\ )?{MESSAGE}",
        ("[core:error] [pid 35708:tid 4328636416] [client 72.15.99.187:5312] File does not exist",),
    ),
    Layout(
        "nginx_error",
        rf"\[(?P<level>[a-z]{{3,6}})\]\ (?P<pid>\d+)\#(?P<tid>\d+):\ (?:\*(?P<connection>\d+)\ )?{MESSAGE}",
        ("[error] 123#456: *789 open() failed",),
    ),
    # gunicorn
    Layout("pid_level", rf"\[(?P<pid>\d+)\]\s+\[{LEVEL}\]\s+{MESSAGE}", ("[7] [INFO] Booting worker",)),
    # Elasticsearch
    Layout(
        "level_logger_brackets",
        rf"\[{UPPER}\s*\]\[(?P<logger>[^\]]{{1,200}}?)\s*\]\s*(?:\[(?P<node>[^\]]{{1,100}})\]\s)?{MESSAGE}",
        ("[INFO ][o.e.n.Node               ] [node-1] started",),
    ),
    Layout(
        "level_client",
        rf"\[{LEVEL}\]\ \[client\ (?P<client>[^\]\s]{{1,100}})\]\ {MESSAGE}",
        ("[error] [client 64.242.88.10] File does not exist",),
    ),
    Layout("bracketed_level", rf"\[\s*{LEVEL}\s*\][\s:-]*{MESSAGE}", ("[error] mod_jk child in error state 6",)),
    Layout("thread_level", rf"{THREAD}\s+{UPPER}:?\s+{MESSAGE}", ("[main] INFO started",)),
    # Airflow
    Layout(
        "file_level",
        rf"\{{(?P<file>[\w./-]{{1,200}}):(?P<line>\d+)\}}\s+{LEVEL}\s+-\s+{MESSAGE}",
        ("{taskinstance.py:876} INFO - running",),
    ),
    # OpenStack
    Layout(
        "pid_level_logger_request",
        rf"(?P<pid>\d+)\s+{UPPER}\s+{LOGGER}\s+\[(?P<request>[^\]]{{1,300}})\]\s{MESSAGE}",
        ("25746 INFO nova.osapi_compute.wsgi.server [req-38101a0b - - -] GET /v2",),
    ),
    # HDFS
    Layout(
        "pid_level_logger",
        rf"(?P<pid>\d+)\s+{UPPER}\s+{LOGGER}\s?:\s{MESSAGE}",
        ("148 INFO dfs.DataNode$PacketResponder: terminating",),
    ),
    # MySQL
    Layout(
        "mysql",
        rf"(?P<tid>\d+)\ \[{LEVEL}\]\ (?:\[(?P<code>[\w-]{{1,20}})\]\ \[(?P<logger>\w{{1,20}})\]\ )?{MESSAGE}",
        ("0 [Warning] [MY-010068] [Server] CA certificate is self signed",),
    ),
    # Windows servicing (CBS)
    Layout(
        "comma_level",
        rf",\s+{LEVEL}\s+(?P<logger>[A-Z]{{2,10}})\s+{MESSAGE}",
        (", Info                  CBS    Loaded",),
    ),
    # Celery
    Layout(
        "level_process",
        rf":\s+{UPPER}/(?P<thread>[\w-]{{1,100}})\]\s+{MESSAGE}",
        (": INFO/MainProcess] Connected",),
    ),
    Layout("colon_level", rf":\s+{LEVEL}:\s+{MESSAGE}", (": WARNING: slow",)),
    Layout("angled_level", rf"<{LEVEL}>:?\s+{MESSAGE}", ("<info>  device up",)),
)
