"""What the agent knows of one content of one file: the entry of the checkpoint and the line of the ledger."""

from __future__ import annotations

import msgspec

from clew_agent.wire import FileLedger, GivenUp

from .identity import FileIdentity

__all__ = ["FileAccount"]


class FileAccount(msgspec.Struct, frozen=True, kw_only=True):
    """One content of one file. A truncated or recreated file has one account for each content that it had."""

    file_id: bytes
    """Fixed before the first line leaves, see `clew_agent.wire.file_id`."""
    path: str
    """Where it was first seen; rotation does not change who wrote it."""
    service: str
    instance: str
    host: str
    identity: FileIdentity
    """Its `offset` is what the receiver has acknowledged."""
    first: int = 0
    """Where reading began."""
    seen: int = 0
    """Its size when last looked at."""
    shipped: int = 0
    """Sent up to here; in the checkpoint it means nothing, what is not acknowledged is sent again."""
    lines: int = 0
    """Lines acknowledged."""
    given_up: tuple[GivenUp, ...] = ()
    """Neighbouring ranges of one reason are one."""
    resource: dict[str, str] = {}
    """What is known of the container that writes it."""
    packed_bytes: int = 0
    """The size of the compressed file that it is the content of, 0 if it is not compressed."""
    gone_ns: int = 0
    """When this content was found to be no more (ns UTC), 0 while it is there."""

    @property
    def acknowledged(self) -> int:
        """The receiver has everything between `first` and here, save what was given up."""
        return self.identity.offset

    @property
    def owed_until(self) -> int:
        """What lies between `acknowledged` and here was on its way, or unread: it is not given up either."""
        return min((lost.start for lost in self.given_up if lost.start >= self.acknowledged), default=self.seen)

    def ledger(self) -> FileLedger:
        """Return the account as heartbeats report it."""
        return FileLedger(
            file_id=self.file_id.hex(),
            path=self.path,
            host=self.host,
            service=self.service,
            instance=self.instance,
            first=self.first,
            seen=self.seen,
            shipped=self.shipped,
            acknowledged=self.acknowledged,
            lines=self.lines,
            given_up=self.given_up,
            gone=self.gone_ns > 0,
        )
