"""Finding files: new ones, many, small, alike, unreadable, with links, without watches."""

from __future__ import annotations

import os
import time
from pathlib import Path

from tests.scenarios.tailing.catalogue import scenario
from tests.scenarios.tailing.programs import Behaviour
from tests.scenarios.tailing.stage import Stage

# Root without its power to read what it may not is like everybody else.
POWERLESS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search") if os.geteuid() == 0 else ()


@scenario("1", "append only")
def append_only(stage: Stage) -> None:
    stage.append_all(100)
    stage.start()
    stage.settle()
    for _ in range(30):
        stage.append_all()
        stage.pause(0.01)


@scenario("2", "a new file after the start, and a new directory")
def new_file(stage: Stage) -> None:
    stage.configure(paths=("*.log", "*/*.log"))
    stage.start()
    stage.pause(0.3)
    stage.append_all(20)
    stage.settle()
    (stage.logs / "new").mkdir()
    stage.append(stage.logs / "new" / "later.log", 20)


@scenario("3", "a file that is there, from its beginning")
def from_beginning(stage: Stage) -> None:
    stage.append_all(500)
    stage.start()
    stage.settle()
    stage.append_all(5)


@scenario("3b", "a file that is there, from its end")
def from_end(stage: Stage) -> None:
    for path in stage.paths:
        old = stage.append(path, 500)
        if not stage.experienced:  # to one who has run before a file is new, not old
            stage.unwrite(*old)
    stage.configure(from_end=True)
    stage.start()
    stage.pause(1.5)
    stage.append_all(5)
    stage.append(stage.logs / "new.log", 5)


@scenario("13", "an inode used again, running and across restarts")
def inode_reuse(stage: Stage) -> None:
    """On ext4 a file made after another was deleted mostly gets its inode."""
    stage.append_all()
    stage.start()
    seen: set[int] = set()
    again = 0
    for turn in range(1000 if stage.full else 25):
        stage.settle()
        if turn % 5 == 4:
            stage.stop()
        for path in stage.paths:
            path.unlink()
            stage.new_content(path)
        for path in stage.paths:
            stage.append(path, 1 + turn % 3)
            again += path.stat().st_ino in seen
            seen.add(path.stat().st_ino)
        if turn % 5 == 4:
            stage.start()


@scenario("14", "50 files with the same header")
def same_header(stage: Stage) -> None:
    header = b"".join(b"# header line %d of every file\n" % i for i in range(130))
    assert len(header) > 4096 - 200
    names = [stage.logs / f"twin{i}.log" for i in range(50)]
    for path in names[:25]:
        path.write_bytes(header)
        stage.expect(*header.splitlines())
        stage.append(path, 2)
    stage.start()
    for path in names[25:]:
        path.write_bytes(header)
        stage.expect(*header.splitlines())
    stage.settle()
    for path in names:
        stage.append(path, 2)


@scenario("15", "tiny files: a byte, a line, 500 bytes")
def tiny(stage: Stage) -> None:
    stage.start()
    (stage.logs / "byte.log").write_bytes(b"\n")
    (stage.logs / "line.log").write_bytes(b"x\n")
    (stage.logs / "same.log").write_bytes(b"x\n")
    stage.expect(b"", b"x", b"x")
    for i in range(10):
        stage.append(stage.logs / f"small{i}.log", 25)


@scenario("17", "links and two globs that lead to one file")
def links(stage: Stage) -> None:
    stage.configure(paths=("*.log", "app*", "**/*.log"))
    stage.append_all(10)
    for path in stage.paths:
        os.link(path, path.with_name(f"hard-{path.name}"))
        path.with_name(f"soft-{path.name}").symlink_to(path.name)
    stage.start()
    stage.settle()
    stage.append_all(10)


@scenario("18", "permission denied, then granted")
def permission(stage: Stage) -> None:
    stage.configure(prefix=POWERLESS)
    stage.append_all(10)
    stage.path.chmod(0)
    stage.append(stage.logs / "other.log", 10)
    stage.start()
    stage.pause(0.7)
    stage.path.chmod(0o644)
    stage.settle()
    stage.append_all(3)


@scenario("19", "many files, some busy")
def many_files(stage: Stage) -> None:
    idle, busy = (10_000, 100) if stage.full else (400, 20)
    paths = [stage.logs / f"many{i}.log" for i in range(idle)]
    for path in paths:
        stage.append(path)
    stage.start()
    stage.settle(patience_s=120)
    for _ in range(10):
        for path in paths[:busy]:
            stage.append(path, 3)
        stage.pause(0.02)


@scenario("20", "fewer descriptors than files")
def few_descriptors(stage: Stage) -> None:
    stage.configure(prefix=("prlimit", "--nofile=60"))
    paths = [stage.logs / f"many{i}.log" for i in range(150)]
    for path in paths:
        stage.append(path, 3)
    stage.start()
    stage.settle()
    for path in paths:
        stage.append(path, 3)


@scenario("21", "fewer inotify watches than directories")
def few_watches(stage: Stage) -> None:
    limited = 'echo 2 > /proc/sys/user/max_inotify_watches; exec "$@"'
    stage.configure(paths=("*/*.log",), prefix=("unshare", "--user", "--map-root-user", "sh", "-c", limited, "sh"))
    paths: list[Path] = []
    for i in range(8):
        (stage.logs / f"dir{i}").mkdir()
        paths.append(stage.logs / f"dir{i}" / f"app{i}.log")
        stage.append(paths[-1], 3)
    stage.start()
    stage.settle()
    for path in paths:
        stage.append(path, 3)


@scenario("21b", "inotify's queue overflows")
def queue_overflow(stage: Stage) -> None:
    stage.append_all(3)
    stage.start()
    stage.settle()
    stage.program.pause()
    room = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    other = stage.logs / "other.txt"
    another = stage.logs / "another.txt"
    with other.open("wb", buffering=0) as file, another.open("wb", buffering=0) as next_file:
        for _ in range(room // 2 + 100):  # the same event twice in a row counts once
            file.write(b"x")
            next_file.write(b"x")
    stage.append_all(3)
    for path in stage.paths:
        stage.rotate(path, path.name + ".1")
        stage.append(path, 3)
    stage.program.go_on()


@scenario("36", "times that jump back")
def clock_back(stage: Stage) -> None:
    stage.append_all(5)
    stage.start()
    stage.settle()
    for hours in (1, 2, 3):
        for path in stage.paths:
            stage.append(path, 5)
            past = time.time() - 3600 * hours
            os.utime(path, (past, past))
        stage.settle()


@scenario("46", "a process that logs one line and is gone")
def short_lived(stage: Stage) -> None:
    stage.configure(paths=("*/*.log",))
    stage.start()
    stage.pause(0.5)
    for i in range(10):
        pod = stage.logs / f"pod{i}"
        pod.mkdir()
        stage.append(pod / f"job{i}.log")
    stage.pause(3)
    for i in range(10):
        (stage.logs / f"pod{i}" / f"job{i}.log").unlink()
        (stage.logs / f"pod{i}").rmdir()
    stage.receiver.behaviour = Behaviour.TAKE
