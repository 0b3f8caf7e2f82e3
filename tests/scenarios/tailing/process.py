"""What happens to the tailer's process and to its memory."""

from __future__ import annotations

import json
import random
import shutil
import threading
import time
from pathlib import Path

from tests.scenarios.tailing.catalogue import scenario
from tests.scenarios.tailing.stage import Stage
from tests.scenarios.tailing.verdict import Tier


@scenario("30", "SIGTERM under load")
def sigterm(stage: Stage) -> None:
    for _ in range(100 if stage.full else 4):
        stage.append_all(2000)
        before = len(stage.arrived())
        stage.start()
        stage.wait_for(lambda before=before: len(stage.arrived()) > before)
        stage.stop()
    stage.start()


@scenario("31", "kill -9 at any moment", Tier.DOUBLE)
def sigkill(stage: Stage) -> None:
    rng = random.Random(31)
    writing = threading.Event()

    def write() -> None:
        turn = 0
        while not writing.wait(0.01):
            path = stage.paths[turn % len(stage.paths)]
            stage.append(path, 20)
            turn += 1
            if turn % 40 == 0:
                stage.rotate(path, f"{path.name}.{turn}")

    stage.configure(paths=("*.log*",))
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(200 if stage.full else 5):
            stage.start()
            requests = stage.receiver.requests()
            stage.wait_for(lambda requests=requests: stage.receiver.requests() > requests, patience_s=3)
            time.sleep(rng.random() * 0.2)
            stage.kill()
    finally:
        writing.set()
        writer.join()
    stage.start()


@scenario("32", "appended while stopped")
def append_while_stopped(stage: Stage) -> None:
    stage.append_all(10)
    for _ in range(100 if stage.full else 4):
        stage.start()
        stage.settle()
        stage.stop()
        stage.append_all(10)
    stage.start()


def _damage(stage: Stage, damaged: list[bytes]) -> None:
    for content in damaged:
        stage.stop()
        for name in stage.program.state_files():
            Path(name).write_bytes(content)
        stage.append_all(5)
        stage.start()
        stage.settle()


@scenario("35", "memory truncated, of NULs, garbage", Tier.DOUBLE)
def damaged_memory(stage: Stage) -> None:
    stage.append_all(50)
    stage.start()
    stage.settle()
    stage.pause(0.3)
    newest = Path(stage.program.state_files()[0])
    whole = newest.read_bytes()
    _damage(stage, [whole[: len(whole) // 2], bytes(len(whole)), b"garbage\n" * 10, b""])


@scenario("35b", "memory on a full disk")
def full_disk(stage: Stage) -> None:
    stage.append_all(50)
    stage.start()
    stage.settle()
    stage.pause(0.3)
    if stage.program.name == "clew":
        folder = Path(stage.program.state_files()[0]).parent
        # Neither behind what is there nor beside it is anything kept.
        checkpoint, beside, aside = (folder / name for name in ("checkpoint", "checkpoint.new", "aside"))
        checkpoint.rename(aside)
        for path in (checkpoint, beside):
            path.symlink_to("/dev/full")
        stage.append_all(50)
        stage.settle()
        stage.pause(0.5)
        beside.unlink()
        aside.replace(checkpoint)
    stage.append_all(50)
    stage.settle()
    stage.stop()
    stage.start()


@scenario("37", "reload with lines waiting, one of whose files was deleted")
def reload(stage: Stage) -> None:
    stage.append_all(20)
    stage.start()
    stage.settle()
    stage.receiver.down()
    for path in stage.paths:
        stage.append(path, 3000)
    stage.append(stage.logs / "other.txt", 10)
    stage.pause(1)
    stage.path.unlink()
    stage.configure(paths=("*.log", "*.txt"))
    stage.program.reload()
    stage.append(stage.logs / "other.txt", 10)
    stage.pause(0.7)
    stage.receiver.up()
    stage.settle()
    stage.append(stage.logs / "new.log", 5)
    stage.append(stage.logs / "other.txt", 10)


@scenario("38", "memory of another version")
def other_version(stage: Stage) -> None:
    stage.append_all(50)
    stage.start()
    stage.settle()
    stage.stop()
    if stage.program.name == "clew":
        from hashlib import blake2b

        newest = Path(stage.program.state_files()[0])
        head, body, *changes = newest.read_bytes().split(b"\n")
        content = json.loads(body) | {"something_of_the_future": {"x": [1]}}
        body = json.dumps(content).encode()
        words = head.split(b" ")
        head = b" ".join([*words[:2], blake2b(body, digest_size=16).hexdigest().encode()])
        newest.write_bytes(b"\n".join([head, body, *changes]))
    stage.append_all(5)
    stage.start()


@scenario("45", "memory torn away: one copy lost, the other older", Tier.DOUBLE)
def lost_memory(stage: Stage) -> None:
    stage.append_all(50)
    stage.start()
    stage.settle()
    stage.append_all(50)
    stage.settle()
    stage.pause(0.3)
    stage.kill()
    newest = Path(stage.program.state_files()[0])
    if newest.is_file():
        with newest.open("r+b") as file:
            file.truncate(max(0, newest.stat().st_size - 3))
    elif newest.is_dir():
        shutil.rmtree(newest)
    stage.append_all(5)
    stage.start()
