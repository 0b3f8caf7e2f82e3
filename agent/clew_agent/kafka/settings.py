"""How to get into a Kafka cluster: the same settings for agents and collectors."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator

from clew_agent.settings import Settings

__all__ = ["KafkaSettings"]


class KafkaSettings(Settings):
    """Who we are to the brokers, and how the way to them is protected."""

    tls: bool = False
    """Encrypt, and check the brokers' certificates."""
    ca_file: Path | None = None
    """The authorities to trust, PEM; by default those that the system trusts."""
    certificate_file: Path | None = None
    """Our own certificate, PEM, where brokers ask for one."""
    key_file: Path | None = None
    """Its key, PEM, if it is not in `certificate_file`."""

    username: str = ""
    """Who logs in by SASL; empty for no login."""
    password: SecretStr = SecretStr("")
    """The password; better kept in `password_file`."""
    password_file: Path | None = None
    """A file whose first line is the password."""
    mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    """How the password is proven; PLAIN shows it to the broker, so use it with `tls` only."""

    record_bytes_max: int = Field(default=1_000_000, ge=10_000, le=64 << 20)
    """What a record may take, compressed; a topic's own `max.message.bytes` is found out if it is lower."""

    @model_validator(mode="after")
    def _whole(self) -> Self:
        files = {"ca_file": self.ca_file, "certificate_file": self.certificate_file, "key_file": self.key_file}
        if not self.tls and (given := [name for name, file in files.items() if file]):
            raise ValueError(f"{', '.join(given)} mean something with `tls: true` only")
        if self.key_file and not self.certificate_file:
            raise ValueError("key_file needs certificate_file")
        has_password = bool(self.password.get_secret_value()) + bool(self.password_file)
        if self.username and has_password != 1:
            raise ValueError("username needs either password or password_file")
        if has_password and not self.username:
            raise ValueError("a password needs a username")
        return self
