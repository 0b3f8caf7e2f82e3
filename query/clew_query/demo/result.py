"""What a demo found out, and whether that is what Clew promises."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["DemoResult", "ServiceAccount", "count_lines"]


@dataclass(frozen=True, slots=True)
class ServiceAccount:
    """One service's lines: in its file, and in the store."""

    service: str
    host: str
    written: int
    stored: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoResult:
    """The outcome of one demo."""

    url: str
    """Of the page."""
    directory: str
    seconds: float
    requests: int
    failed: int
    """Requests that were answered 502, because of the payments service."""
    services: tuple[ServiceAccount, ...]
    audit_clean: bool
    failed_request: str
    """The X-Request-ID of one of them."""
    transaction: dict[str, Any]
    """Its path, as `GET /transactions/{id}` answers."""
    alert: dict[str, Any] | None
    """What the webhook was told about the failing service."""

    @property
    def written(self) -> int:
        """Lines in the files."""
        return sum(account.written for account in self.services)

    @property
    def stored(self) -> int:
        """Lines in the store."""
        return sum(account.stored for account in self.services)

    @property
    def accounted(self) -> bool:
        """Whether every service's lines are stored, each once."""
        return self.audit_clean and all(account.written == account.stored > 0 for account in self.services)

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not as promised, in sentences; nothing when all is well."""
        passed = {invocation["service"] for invocation in self.transaction.get("invocations", ())}
        checks = {
            f"{self.written} lines were written and {self.stored} are stored.": all(
                account.written == account.stored > 0 for account in self.services
            ),
            "The audit found bytes that are missing or doubled.": self.audit_clean,
            "No alert fired on the failing service.": self.alert is not None,
            f"The failed request's path does not reach payments: {sorted(passed)}.": "payments" in passed,
        }
        return tuple(sentence for sentence, holds in checks.items() if not holds)

    def to_json(self) -> dict[str, Any]:
        """Return the result as one JSON object."""
        return {
            **asdict(self),
            "lines_written": self.written,
            "lines_stored": self.stored,
            "problems": list(self.problems),
        }


def count_lines(path: Path) -> int:
    """Return how many whole lines the file has."""
    with path.open("rb") as file:
        return sum(block.count(b"\n") for block in iter(lambda: file.read(1 << 20), b""))
