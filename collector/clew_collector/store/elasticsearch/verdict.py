"""Judging the answer to a bulk request. Pure: a table of cases, no clock, no socket.

One item is judged by its own status, whatever became of the others. What is no item's fault (no room, a block, a
missing index, too many shards) is never a reason to give an item up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import msgspec

from .request import all_created

__all__ = ["Answer", "Decision", "Fate", "Judged", "judge", "judge_item", "reason_of"]


class Fate(Enum):
    """What became of an item, or is to be done with it."""

    CREATED = "created"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"
    """It will never be taken."""
    AGAIN = "again"
    """It was not taken, and may be later."""
    NO_INDEX = "no index"
    """Its index is not there and not made by itself: to be made, and the item sent again."""


class Decision(Enum):
    """What to do with a request as a whole."""

    ITEMS = "judge each item"
    HALVE = "send it again in two halves"
    AGAIN = "send it again, later"
    FAIL = "give up: an operator has to do something"


@dataclass(frozen=True, slots=True)
class Judged:
    """An item's fate, with the reason where it is no good one."""

    fate: Fate
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What to do, and when that is to judge each item, their fates in order."""

    decision: Decision
    items: tuple[Judged, ...] = ()
    reason: str = ""


class _Cause(msgspec.Struct):
    type: str = ""
    reason: str | None = None
    caused_by: _Cause | None = None
    root_cause: list[_Cause] = []


class _Result(msgspec.Struct):
    id: str | None = msgspec.field(default=None, name="_id")
    status: int = 0
    error: _Cause | str | None = None


class _Item(msgspec.Struct):
    create: _Result | None = None


class _Answer(msgspec.Struct):
    items: list[_Item]


_decode = msgspec.json.Decoder(_Answer).decode
_decode_error = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_cause = msgspec.json.Decoder(_Cause | str).decode

# 400s that are about the cluster and not about the document.
_NOT_ITS_FAULT = ("validation_exception", "no_shard_available_action_exception", "unavailable_shards_exception")
_REASON_CHARACTERS_MAX = 1000
_CREATED, _DUPLICATE = Judged(Fate.CREATED), Judged(Fate.DUPLICATE)


def judge(status: int | None, body: bytes, ids: Sequence[str]) -> Answer:
    """Return what to do after a request with these ids was answered; status None when no whole answer came.

    An answer that is cut, or not about these ids in this order, says nothing about any of them. Sending a `create`
    again does no harm, so the request goes again in halves, which a server or proxy with less room may answer; one
    item alone goes again, later.
    """
    alone = len(ids) == 1
    if status is None:
        return Answer(Decision.AGAIN, reason="no answer")
    if status == 200:
        judged = _items(body, ids)
        if judged is None:
            return Answer(Decision.AGAIN if alone else Decision.HALVE, reason="the answer is not one to this request")
        return Answer(Decision.ITEMS, judged)
    reason = reason_of(body)
    if status == 413:
        if alone:
            return Answer(Decision.ITEMS, (Judged(Fate.REJECTED, f"larger than Elasticsearch takes: {reason}"),))
        return Answer(Decision.HALVE, reason=reason)
    if status == 429 or status >= 500 or status == 408:
        return Answer(Decision.AGAIN, reason=f"{status}: {reason}")
    if status == 404:
        return Answer(Decision.ITEMS, tuple(Judged(Fate.NO_INDEX, reason) for _ in ids))
    if status == 400 and not alone:
        # Something on the way did not understand it: the halves show which item it was, if it was one.
        return Answer(Decision.HALVE, reason=reason)
    if status == 400 and _names_error(body):
        return Answer(Decision.ITEMS, (Judged(Fate.REJECTED, reason),))
    return Answer(Decision.FAIL, reason=f"{status}: {reason}")


def judge_item(status: int, kind: str = "", reason: str = "") -> Judged:
    """Return one item's fate, from its status, and its error's type and reason."""
    if status in {200, 201}:
        return _CREATED
    if status == 409:
        return _DUPLICATE
    text = f"{kind}: {reason}"[:_REASON_CHARACTERS_MAX] if kind or reason else f"status {status}"
    if status == 404 and kind == "index_not_found_exception":
        return Judged(Fate.NO_INDEX, text)
    if status == 400 and kind not in _NOT_ITS_FAULT:
        return Judged(Fate.REJECTED, text)
    if status == 413:
        return Judged(Fate.REJECTED, text)
    # 429, 503, blocks (403), lost shards (404), and whatever else: kept, and tried again.
    return Judged(Fate.AGAIN, text)


def _items(body: bytes, ids: Sequence[str]) -> tuple[Judged, ...] | None:
    if body == all_created(ids):
        return (_CREATED,) * len(ids)
    try:
        answer = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if len(answer.items) != len(ids):
        return None
    judged = []
    for item, expected in zip(answer.items, ids, strict=True):
        result = item.create
        if result is None or result.id != expected or not result.status:
            return None
        error = result.error
        cause = error if isinstance(error, _Cause) else _Cause(reason=error or "")
        judged.append(judge_item(result.status, cause.type, _told(cause)))
    return tuple(judged)


def _told(cause: _Cause) -> str:
    """Return an error's reasons, the outer one first."""
    reasons: list[str] = []
    current: _Cause | None = cause
    while current is not None:
        if current.reason and current.reason not in reasons:
            reasons.append(current.reason)
        current = current.caused_by or next(iter(current.root_cause), None)
    return "; ".join(reasons)


def _names_error(body: bytes) -> bool:
    """Return whether this is Elasticsearch's word, not that of a proxy that understands nothing we send."""
    try:
        return isinstance(_decode_cause(_decode_error(body)["error"]), _Cause)
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return False


def reason_of(body: bytes) -> str:
    """Return why a request failed as a whole, in Elasticsearch's words if they are, else the beginning of the body."""
    try:
        cause = _decode_cause(_decode_error(body)["error"])
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return body[:200].decode(errors="replace").strip() or "no reason given"
    if isinstance(cause, str):
        return cause
    return f"{cause.type}: {_told(cause)}"[:_REASON_CHARACTERS_MAX]
