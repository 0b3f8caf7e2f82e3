"""Rotation of every kind, deletion, replacement, compression."""

from __future__ import annotations

import gzip
import os
from pathlib import Path

from tests.scenarios.tailing.catalogue import scenario
from tests.scenarios.tailing.programs import Behaviour
from tests.scenarios.tailing.stage import Stage
from tests.scenarios.tailing.verdict import Tier


@scenario("4", "renamed, the writer still on the old descriptor")
def rename(stage: Stage) -> None:
    stage.append_all(20)
    stage.start()
    stage.settle()
    for turn in range(4):
        for path in stage.paths:
            late = stage.lines(path, 2)
            with path.open("ab", buffering=0) as old:
                stage.rotate(path, f"{path.name}.{turn}")
                stage.append(path, 3)
                for line in late:
                    old.write(line + b"\n")
        stage.settle()


@scenario("5", "renamed every 200 ms")
def rapid(stage: Stage) -> None:
    stage.configure(paths=("*.log*",))
    stage.start()
    for turn in range(50 if stage.full else 8):
        stage.append_all(50)
        stage.pause(0.2)
        for path in stage.paths:
            stage.rotate(path, f"{path.name}.{turn}")
    stage.append_all(5)


@scenario("5b", "renamed every 200 ms, the receiver away for ten of them")
def rapid_behind(stage: Stage) -> None:
    stage.configure(paths=("*.log*",))
    stage.append_all(5)
    stage.start()
    stage.settle()
    stage.receiver.down()
    for turn in range(10):
        for path in stage.paths:
            stage.append(path, 300)
        stage.pause(0.2)
        for path in stage.paths:
            stage.rotate(path, f"{path.name}.{turn}")
    stage.append_all(5)
    stage.pause(60 if stage.full else 1)
    stage.receiver.up()


@scenario("6", "renamed out of the glob and out of the directory, unread")
def out_of_glob(stage: Stage) -> None:
    away = stage.folder / "archive"
    away.mkdir()
    stage.append_all(5)
    stage.start()
    stage.settle()
    stage.receiver.down()
    for path in stage.paths:
        stage.append(path, 200)
    stage.pause(0.5)
    for path in stage.paths:
        stage.rotate(path, away / path.name)
        stage.append(path, 5)
    stage.pause(1)
    stage.receiver.up()


@scenario("7", "copytruncate, the copy in the glob")
def copytruncate_inside(stage: Stage) -> None:
    stage.configure(paths=("*.log*",))
    stage.append_all(20)
    stage.start()
    stage.settle()
    for turn in (1, 2, 3):
        for path in stage.paths:
            stage.append(path, 20)
        if turn == 2:
            stage.settle()
        for path in stage.paths:
            stage.copytruncate(path, path.with_name(f"{path.name}.{turn}"))
            stage.append(path, 3)
        stage.settle()
        stage.pause(0.5)


@scenario("7b", "copytruncate, the copy out of the glob", Tier.LOSE)
def copytruncate_outside(stage: Stage) -> None:
    stage.append_all(20)
    stage.start()
    stage.settle()
    for turn in (1, 2, 3):
        for path in stage.paths:
            stage.append(path, 20)
        if turn == 2:
            stage.settle()
        for path in stage.paths:
            stage.copytruncate(path, path.with_name(f"{path.name}.{turn}"))
            stage.append(path, 3)
        stage.settle()


@scenario("7c", "copytruncate in the glob, the receiver away, a line between copy and truncation", Tier.LOSE)
def copytruncate_behind(stage: Stage) -> None:
    stage.configure(paths=("*.log*",))
    stage.append_all(20)
    stage.start()
    stage.settle()
    stage.receiver.down()
    for path in stage.paths:
        stage.append(path, 2000)

        def write_late(path: Path = path) -> None:
            stage.append(path)
            stage.pause(0.7)

        stage.copytruncate(path, path.with_name(f"{path.name}.1"), between=write_late)
        stage.append(path, 3)
    stage.pause(1)
    stage.receiver.up()


def _rewrite(stage: Stage, count: int) -> None:
    stage.append_all(20)
    stage.start()
    stage.settle()
    for path in stage.paths:
        stage.new_content(path)
        lines = stage.lines(path, count)
        path.write_bytes(b"".join(line + b"\n" for line in lines))


@scenario("8", "truncated and written anew, shorter")
def rewrite_shorter(stage: Stage) -> None:
    _rewrite(stage, 5)


@scenario("8b", "truncated and written anew, of the same size")
def rewrite_same_size(stage: Stage) -> None:
    for path in stage.paths:
        path.write_bytes(b"".join(b"old %s %d\n" % (path.name.encode(), i) for i in range(10)))
        stage.expect(*path.read_bytes().splitlines())
    stage.start()
    stage.settle()
    for path in stage.paths:
        path.write_bytes(path.read_bytes().replace(b"old", b"new"))
        stage.expect(*path.read_bytes().splitlines())


@scenario("8c", "truncated and written anew, longer")
def rewrite_longer(stage: Stage) -> None:
    _rewrite(stage, 500)


@scenario("8d", "truncated unread", Tier.LOSE)
def truncate_unread(stage: Stage) -> None:
    stage.append_all(20)
    stage.start()
    stage.settle()
    stage.receiver.down()
    for path in stage.paths:
        stage.append(path, 100_000)
    stage.pause(1.5)
    for path in stage.paths:
        os.truncate(path, 0)
        stage.new_content(path)
        stage.append(path, 3)
    stage.pause(1.5)
    stage.receiver.up()


@scenario("9", "deleted and made anew")
def delete_recreate(stage: Stage) -> None:
    stage.append_all(20)
    stage.start()
    for _ in range(5):
        stage.settle()
        for path in stage.paths:
            path.unlink()
            stage.new_content(path)
            stage.append(path, 3)


@scenario("10", "deleted while unread")
def delete_unread(stage: Stage) -> None:
    stage.append_all(20)
    stage.start()
    stage.settle()
    stage.receiver.down()
    for path in stage.paths:
        stage.append(path, 2000)
    stage.pause(1)
    for path in stage.paths:
        path.unlink()
    stage.pause(1)
    stage.receiver.up()


@scenario("11", "replaced by a rename, the content another")
def atomic_replace(stage: Stage) -> None:
    stage.append_all(20)
    stage.start()
    stage.settle()
    for path in stage.paths:
        stage.new_content(path)
        new = path.with_suffix(".tmp")
        new.write_bytes(b"".join(line + b"\n" for line in stage.lines(path, 10)))
        new.replace(path)
    stage.settle()
    stage.append_all(5)


@scenario("11b", "replaced by a rename, the content continued (rsync)")
def atomic_replace_continued(stage: Stage) -> None:
    stage.append_all(20)
    stage.start()
    for _ in range(3):
        stage.settle()
        for path in stage.paths:
            new = path.with_suffix(".tmp")
            new.write_bytes(path.read_bytes() + b"".join(line + b"\n" for line in stage.lines(path, 10)))
            new.replace(path)


@scenario("12", "a symbolic link led elsewhere")
def symlink_swap(stage: Stage) -> None:
    stage.configure(paths=("*.log",))
    for path in stage.paths:
        target = stage.folder / f"{path.name}.0"
        stage.append(target, 20)
        path.symlink_to(target)
    stage.start()
    for turn in (1, 2, 3):
        stage.settle()
        for path in stage.paths:
            stage.append(stage.folder / f"{path.name}.{turn - 1}", 5)
            new = stage.folder / f"{path.name}.{turn}"
            stage.append(new, 5)
            link = path.with_suffix(".swap")
            link.symlink_to(new)
            link.replace(path)


@scenario("16", "rotated, then compressed")
def compressed(stage: Stage) -> None:
    stage.configure(paths=("*.log*",))
    stage.append_all(200)
    stage.start()
    stage.settle()
    for path in stage.paths:
        old = stage.rotate(path, f"{path.name}.1")
        stage.append(path, 3)
        stage.pause(0.3)
        _compress(old)
    stage.settle()
    stage.pause(1)


@scenario("16b", "rotated and compressed while stopped, with lines unread")
def compressed_while_stopped(stage: Stage) -> None:
    stage.configure(paths=("*.log*",))
    stage.append_all(200)
    stage.start()
    stage.settle()
    stage.stop()
    for path in stage.paths:
        stage.append(path, 200)
        _compress(stage.rotate(path, f"{path.name}.1"))
        stage.append(path, 3)
    stage.start()


@scenario("16c", "compressed slowly, found half written")
def compressed_slowly(stage: Stage) -> None:
    stage.configure(paths=("*.log*",))
    stage.append_all(500)
    stage.start()
    stage.settle()
    stage.stop()
    for path in stage.paths:
        stage.append(path, 500)
        old = stage.rotate(path, f"{path.name}.1")
        stage.append(path, 3)
        whole = gzip.compress(old.read_bytes())
        packed = old.with_name(old.name + ".gz")
        packed.write_bytes(whole[: len(whole) // 2])
        if path is stage.paths[0]:
            stage.start()
        stage.pause(0.7)
        with packed.open("ab") as file:
            file.write(whole[len(whole) // 2 :])
        old.unlink()


def _compress(path: Path) -> None:
    packed = path.with_name(path.name + ".gz")
    packed.write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


@scenario("29", "a hole of NULs: the writer does not append")
def nul_hole(stage: Stage) -> None:
    stage.start()
    for path in stage.paths:
        with path.open("wb", buffering=0) as file:
            for line in stage.lines(path, 20):
                file.write(line + b"\n")
            stage.settle()
            os.truncate(path, 0)
            stage.new_content(path)
            stage.pause(0.3)
            for line in stage.lines(path, 20):
                file.write(line + b"\n")


@scenario("33", "rotated while stopped")
def rotated_while_stopped(stage: Stage) -> None:
    stage.append_all(20)
    for turn in range(100 if stage.full else 4):
        stage.start()
        stage.settle()
        stage.stop()
        for path in stage.paths:
            stage.append(path, 5)
            stage.rotate(path, f"{path.name}.{turn}")
            stage.append(path, 5)
    stage.start()


@scenario("34", "truncated while stopped", Tier.LOSE)
def truncated_while_stopped(stage: Stage) -> None:
    stage.append_all(20)
    stage.start()
    stage.settle()
    stage.stop()
    for path in stage.paths:
        os.truncate(path, 0)
        stage.new_content(path)
        stage.append(path, 30)
    stage.start()
    stage.receiver.behaviour = Behaviour.TAKE
