from __future__ import annotations

import errno
import os
import random
from bisect import bisect_right
from hashlib import blake2b
from pathlib import Path

import msgspec
import pytest

from clew_agent.checkpoint import Checkpoint, CheckpointFile, Loaded
from clew_agent.config import AgentSettings
from clew_agent.errors import CheckpointError
from clew_agent.pipeline import run_agent
from clew_agent.tail import FileAccount, FileIdentity
from clew_agent.transport import MemoryTransport
from clew_agent.wire import GivenUp


def account(number: int = 1, *, offset: int = 0) -> FileAccount:
    identity = FileIdentity(
        device=1, inode=number, generation=0, fingerprint=b"f" * 16, fingerprint_bytes=6, offset=offset, tail=b"t" * 16
    )
    return FileAccount(
        file_id=b"%010d" % number,
        path=f"/var/log/{number}.log",
        service="s",
        instance="",
        host="h",
        identity=identity,
        given_up=(GivenUp(1, 2, "refused"),),
    )


FIRST = Checkpoint(agent_id="a", generation_floor=3, files=(account(1, offset=10),))
SECOND = Checkpoint(agent_id="a", generation_floor=3, files=(account(1, offset=20), account(2)))


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path)
    assert file.load().checkpoint is None
    file.save(FIRST)
    file.save(SECOND)
    loaded = CheckpointFile(tmp_path).load()
    assert (loaded.checkpoint, loaded.warnings) == (SECOND, ())


def test_it_holds_nothing_that_people_log(tmp_path: Path) -> None:
    CheckpointFile(tmp_path).save(FIRST)
    assert b"first line" not in (tmp_path / "checkpoint").read_bytes()


def save_whole(directory: Path, *checkpoints: Checkpoint) -> None:
    """Keep each as an agent does that has just been started."""
    for checkpoint in checkpoints:
        CheckpointFile(directory).save(checkpoint)


def test_truncated_at_any_byte_it_falls_back_to_the_copy_before(tmp_path: Path) -> None:
    save_whole(tmp_path, FIRST, SECOND)
    whole = (tmp_path / "checkpoint").read_bytes()
    for size in range(len(whole) - 1):  # the last is a line's end
        (tmp_path / "checkpoint").write_bytes(whole[:size])
        loaded = CheckpointFile(tmp_path).load()
        assert loaded.checkpoint == FIRST
        assert "damaged" in loaded.warnings[0]
        assert (tmp_path / "checkpoint.damaged").read_bytes() == whole[:size]


@pytest.mark.parametrize("seed", range(10))
def test_garbage_in_both_copies_is_a_new_start_with_a_warning(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    save_whole(tmp_path, FIRST, SECOND)
    for name in ("checkpoint", "checkpoint.previous"):
        data = bytearray((tmp_path / name).read_bytes())
        at = rng.randrange(len(data) - 1)
        data[at : at + rng.choice([1, 50])] = bytes(rng.choice([1, 50]))
        (tmp_path / name).write_bytes(data)
    loaded = CheckpointFile(tmp_path).load()
    assert loaded.checkpoint is None
    assert "every file is read again" in loaded.warnings[-1]
    CheckpointFile(tmp_path).save(FIRST)
    assert CheckpointFile(tmp_path).load().checkpoint == FIRST


def test_a_crash_between_the_two_renames_loses_nothing(tmp_path: Path) -> None:
    file = CheckpointFile(tmp_path)
    file.save(FIRST)
    (tmp_path / "checkpoint").rename(tmp_path / "checkpoint.previous")
    (tmp_path / "checkpoint.new").write_bytes(b"half")
    assert CheckpointFile(tmp_path).load().checkpoint == FIRST
    file.save(SECOND)
    assert CheckpointFile(tmp_path).load().checkpoint == SECOND


def test_one_of_a_newer_version_is_refused_and_left_alone(tmp_path: Path) -> None:
    newer = b"clew-checkpoint 3 0\n{}"
    (tmp_path / "checkpoint").write_bytes(newer)
    with pytest.raises(CheckpointError, match="format 3") as raised:
        CheckpointFile(tmp_path).load()
    assert raised.value.hint
    assert (tmp_path / "checkpoint").read_bytes() == newer


def test_what_cannot_be_written_is_an_error_and_the_old_one_stands(tmp_path: Path) -> None:
    save_whole(tmp_path, FIRST)
    (tmp_path / "checkpoint.new").mkdir()
    file = CheckpointFile(tmp_path)
    with pytest.raises(CheckpointError, match="cannot be written"):
        file.save(SECOND)
    assert file.load().checkpoint == FIRST


def test_the_format_before_is_read(tmp_path: Path) -> None:
    body = msgspec.json.encode(FIRST)
    head = b"clew-checkpoint 1 " + blake2b(body, digest_size=16).hexdigest().encode()
    (tmp_path / "checkpoint").write_bytes(head + b"\n" + body)
    assert CheckpointFile(tmp_path).load() == Loaded(FIRST)


class TestChanges:
    """What is written behind the checkpoint that is there."""

    THIRD = Checkpoint(agent_id="a", generation_floor=7, files=(account(2, offset=5), account(3)))
    STATES = (FIRST, SECOND, THIRD)

    @pytest.fixture
    def sizes(self, tmp_path: Path) -> list[int]:
        """Return how large the file was with each state."""
        file = CheckpointFile(tmp_path)
        sizes = []
        for state in self.STATES:
            file.save(state)
            sizes.append((tmp_path / "checkpoint").stat().st_size)
        return sizes

    def test_cut_at_any_byte_it_is_the_last_state_that_is_whole(self, tmp_path: Path, sizes: list[int]) -> None:
        whole = (tmp_path / "checkpoint").read_bytes()
        for size in range(sizes[0], len(whole) + 1):
            (tmp_path / "checkpoint").write_bytes(whole[:size])
            loaded = CheckpointFile(tmp_path).load()
            assert loaded.checkpoint == self.STATES[bisect_right(sizes, size) - 1]
            assert bool(loaded.warnings) is (size not in sizes)

    def test_nothing_behind_what_is_damaged_counts(self, tmp_path: Path, sizes: list[int]) -> None:
        whole = bytearray((tmp_path / "checkpoint").read_bytes())
        for at in range(sizes[0], sizes[1]):
            damaged = whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]
            (tmp_path / "checkpoint").write_bytes(damaged)
            loaded = CheckpointFile(tmp_path).load()
            assert loaded.checkpoint == FIRST
            assert "sent again" in loaded.warnings[0]

    def test_they_go_behind_no_half_line_of_an_earlier_life(self, tmp_path: Path, sizes: list[int]) -> None:
        with (tmp_path / "checkpoint").open("ab") as stream:
            stream.write(b"half a li")
        file = CheckpointFile(tmp_path)
        assert file.load().checkpoint == self.THIRD
        file.save(FIRST)
        file.save(SECOND)
        assert CheckpointFile(tmp_path).load() == Loaded(SECOND)

    def test_one_account_of_many_costs_what_one_costs(self, tmp_path: Path) -> None:
        files = tuple(account(number) for number in range(1000))
        file = CheckpointFile(tmp_path)
        file.save(Checkpoint(agent_id="a", files=files))
        before = (tmp_path / "checkpoint").stat().st_size
        file.save(Checkpoint(agent_id="a", files=(account(0, offset=1), *files[1:])))
        assert (tmp_path / "checkpoint").stat().st_size - before < 2 * before / len(files)

    def test_it_is_bounded(self, tmp_path: Path) -> None:
        file = CheckpointFile(tmp_path)
        sizes = []
        for offset in range(3000):
            file.save(Checkpoint(agent_id="a", files=(account(1, offset=offset),)))
            sizes.append((tmp_path / "checkpoint").stat().st_size)
        assert max(sizes) < 70_000
        assert min(sizes[100:]) < 1_000
        loaded = CheckpointFile(tmp_path).load().checkpoint
        assert loaded is not None
        assert loaded.files[0].acknowledged == 2999

    def test_what_cannot_be_written_behind_is_an_error_once_and_then_written_whole(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(_: int) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

        file = CheckpointFile(tmp_path)
        file.save(FIRST)
        begun = (tmp_path / "checkpoint").stat().st_ino
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(CheckpointError, match="No space left"):
                file.save(SECOND)
        file.save(self.THIRD)
        assert CheckpointFile(tmp_path).load() == Loaded(self.THIRD)
        assert (tmp_path / "checkpoint").stat().st_ino != begun

    def test_a_file_that_somebody_removed_is_written_whole(self, tmp_path: Path) -> None:
        file = CheckpointFile(tmp_path)
        file.save(FIRST)
        (tmp_path / "checkpoint").unlink()
        file.save(SECOND)
        assert CheckpointFile(tmp_path).load() == Loaded(SECOND)


def test_an_account_survives_its_way_through_json() -> None:
    assert msgspec.json.decode(msgspec.json.encode(SECOND), type=Checkpoint) == SECOND


class TestRealOne:
    """What an agent wrote down in two runs, damaged in every way that a crash of the machine leaves behind."""

    BEFORE = b"".join(b"before %d\n" % i for i in range(40))
    AFTER = b"".join(b"after %d\n" % i for i in range(40))

    @pytest.fixture
    async def settings(self, tmp_path: Path) -> AgentSettings:
        (tmp_path / "logs").mkdir()
        settings = AgentSettings.model_validate(
            {"sources": [{"paths": [f"{tmp_path}/logs/*.log"]}], "data": tmp_path / "agent"}
        )
        for i in range(3):
            (tmp_path / "logs" / f"{i}.log").write_bytes(self.BEFORE)
        await run_agent(settings, MemoryTransport(), once=True)
        settled = (settings.data / "checkpoint").read_bytes()
        for i in range(3):
            with (tmp_path / "logs" / f"{i}.log").open("ab") as file:
                file.write(self.AFTER)
        await run_agent(settings, MemoryTransport(), once=True)
        (settings.data / "checkpoint.previous").write_bytes(settled)
        return settings

    @staticmethod
    def damaged(whole: bytes, size: int, kind: str) -> bytes:
        return whole[:size] + bytes(len(whole) - size) * (kind == "NULs")

    @pytest.mark.parametrize("kind", ["cut", "NULs"])
    async def test_at_every_length_the_copy_before_is_taken(self, settings: AgentSettings, kind: str) -> None:
        newest = CheckpointFile(settings.data).load().checkpoint
        whole = (settings.data / "checkpoint").read_bytes()
        (settings.data / "checkpoint").unlink()
        before = CheckpointFile(settings.data).load().checkpoint
        assert before is not None
        assert before != newest
        for size in range(len(whole)):
            (settings.data / "checkpoint").write_bytes(self.damaged(whole, size, kind))
            assert CheckpointFile(settings.data).load().checkpoint == before

    @pytest.mark.parametrize("kind", ["cut", "NULs"])
    async def test_what_that_one_leaves_open_is_read_again_and_no_more(
        self, settings: AgentSettings, kind: str
    ) -> None:
        whole = (settings.data / "checkpoint").read_bytes()
        previous = (settings.data / "checkpoint.previous").read_bytes()
        for size in range(0, len(whole), len(whole) // 12):
            (settings.data / "checkpoint").write_bytes(self.damaged(whole, size, kind))
            (settings.data / "checkpoint.previous").write_bytes(previous)
            transport = MemoryTransport()
            outcome = await run_agent(settings, transport, once=True)
            assert outcome.problems == ()
            again = [(chunk.source.path[-5:], chunk.start, chunk.payload) for chunk in transport.chunks]
            assert sorted(again) == [(f"{i}.log", len(self.BEFORE), self.AFTER) for i in range(3)]

    @pytest.mark.parametrize("kind", ["cut", "NULs"])
    async def test_with_both_damaged_all_is_sent_again_under_the_same_ids(
        self, settings: AgentSettings, kind: str
    ) -> None:
        checkpoint = CheckpointFile(settings.data).load().checkpoint
        assert checkpoint is not None
        for name in ("checkpoint", "checkpoint.previous"):
            whole = (settings.data / name).read_bytes()
            (settings.data / name).write_bytes(self.damaged(whole, len(whole) // 2, kind))
        transport = MemoryTransport()
        await run_agent(settings, transport, once=True)
        again = {chunk.source.file_id: (chunk.start, chunk.payload) for chunk in transport.chunks}
        assert again == {account.file_id: (0, self.BEFORE + self.AFTER) for account in checkpoint.files}
