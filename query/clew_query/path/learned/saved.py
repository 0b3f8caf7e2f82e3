"""A model as a file: msgpack with a version, replaced whole."""

from __future__ import annotations

from pathlib import Path

import msgspec

from clew_agent.durable import replace_file
from clew_query.errors import PathModelError

from .automaton import Automaton, State
from .model import Model
from .prior import Prior
from .senders import Senders
from .templates import Templates

__all__ = ["FORMAT", "MODEL_FILE", "decode_model", "encode_model", "load_model", "save_model"]

FORMAT = 1
MODEL_FILE = "path-model.msgpack"


class _Saved(msgspec.Struct, frozen=True):
    format: int
    services: list[str]
    """Of each kind."""
    words: list[tuple[str, ...]]
    origins: list[str]
    numbers: dict[str, int]
    start: list[float]
    prior_words: list[dict[str, float]]
    counts: list[tuple[State, dict[int, float]]]
    spawned: list[int]
    agreement: list[tuple[int, int, float]]
    sent_for: dict[int, float]
    offsets: dict[str, float]
    uncertainty: dict[str, float]
    lateness: dict[str, float]
    transactions: int
    lines: int
    learned_s: float
    loss: float


class _Version(msgspec.Struct, frozen=True):
    format: int


def encode_model(model: Model) -> bytes:
    """Return the model's bytes; equal models have equal ones."""
    prior = model.automaton.prior
    saved = _Saved(
        format=FORMAT,
        services=model.templates.services,
        words=model.templates.words,
        origins=model.templates.origins,
        numbers=model.services,
        start=prior.start,
        prior_words=prior.words,
        counts=sorted((state, dict(sorted(events.items()))) for state, events in model.automaton.counts.items()),
        spawned=sorted(model.spawned),
        agreement=sorted((a, b, share) for (a, b), share in model.senders.agreement.items()),
        sent_for=model.senders.seen,
        offsets=model.offsets,
        uncertainty=model.uncertainty,
        lateness=model.lateness,
        transactions=model.transactions,
        lines=model.lines,
        learned_s=model.learned_s,
        loss=model.loss,
    )
    try:
        return msgspec.msgpack.encode(saved)
    except UnicodeEncodeError as error:
        raise PathModelError(
            f"the path model cannot be saved: a name in it is no text ({error.reason})",
            hint="a service, host or line has half a character in it",
        ) from error


def decode_model(data: bytes) -> Model:
    """Return the model of these bytes; PathModelError when they are none, or of another version."""
    try:
        if (version := msgspec.msgpack.decode(data, type=_Version).format) != FORMAT:
            raise PathModelError(
                f"the path model has the format {version}, this Clew knows {FORMAT}",
                hint="learn anew: `clew path learn`",
            )
        saved = msgspec.msgpack.decode(data, type=_Saved)
        return _restored(saved)
    except (msgspec.MsgspecError, IndexError, KeyError, ValueError) as error:
        raise PathModelError(f"the path model is damaged: {error}", hint="learn anew: `clew path learn`") from error


def _restored(saved: _Saved) -> Model:
    templates = Templates(saved.services, saved.words, saved.origins)
    templates.restore()
    service = [saved.numbers[name] for name in saved.services]
    automaton = Automaton(Prior(service, saved.start, saved.prior_words))
    automaton.learn(dict(saved.counts))
    return Model(
        templates,
        saved.numbers,
        automaton,
        frozenset(saved.spawned),
        Senders({(a, b): share for a, b, share in saved.agreement}, saved.sent_for),
        saved.offsets,
        saved.uncertainty,
        saved.lateness,
        saved.transactions,
        saved.lines,
        saved.learned_s,
        saved.loss,
    )


def save_model(model: Model, directory: Path) -> Path:
    """Put the model into the directory in place of the one before; return its file. PathModelError when it cannot."""
    path = directory / MODEL_FILE
    try:
        replace_file(path, encode_model(model), durable=True)
    except OSError as error:
        raise PathModelError(
            f"the path model {path} cannot be written: {error.strerror}",
            hint="free disk space, or give this user the right to write there",
        ) from error
    return path


def load_model(directory: Path) -> Model | None:
    """Return the directory's model, None if it has none; PathModelError when it cannot be read."""
    path = directory / MODEL_FILE
    try:
        return decode_model(path.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise PathModelError(
            f"the path model {path} cannot be read: {error.strerror}", hint="check its rights"
        ) from error
