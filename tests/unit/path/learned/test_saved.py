"""A model as a file."""

from __future__ import annotations

import msgspec
import pytest
from tests.unit.path.learned.systems import HUB_ALL, chain, hub, play, read

from clew_query.errors import PathModelError
from clew_query.path.learned import learn
from clew_query.path.learned.saved import MODEL_FILE, decode_model, encode_model, load_model, save_model


def test_what_was_saved_reads_the_same(tmp_path):
    model = learn(hub(30))
    save_model(model, tmp_path)
    loaded = load_model(tmp_path)
    assert loaded is not None
    assert read(loaded, play(HUB_ALL, 99)) == read(model, play(HUB_ALL, 99))
    assert encode_model(loaded) == encode_model(model)


def test_a_directory_without_a_model_has_none(tmp_path):
    assert load_model(tmp_path) is None


@pytest.mark.parametrize("data", [b"", b"\x00", b"nonsense", msgspec.msgpack.encode({"format": 1})])
def test_damage_is_said_with_what_to_do(tmp_path, data):
    (tmp_path / MODEL_FILE).write_bytes(data)
    with pytest.raises(PathModelError) as raised:
        load_model(tmp_path)
    assert "damaged" in raised.value.message
    assert "clew path learn" in raised.value.hint


def test_a_cut_file_is_damaged():
    data = encode_model(learn(chain(6)))
    with pytest.raises(PathModelError):
        decode_model(data[: len(data) // 2])


def test_another_format_is_refused():
    with pytest.raises(PathModelError, match="format 99"):
        decode_model(msgspec.msgpack.encode({"format": 99}))


def test_a_folder_that_cannot_be_written_is_said(tmp_path):
    with pytest.raises(PathModelError, match="cannot be written"):
        save_model(learn([]), tmp_path / "missing")
