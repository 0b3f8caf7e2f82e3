"""What Kafka's client is told about the way in. Imports the client; only who uses Kafka imports this."""

from __future__ import annotations

import ssl
from pathlib import Path
from typing import Any

from clew_agent.errors import SettingsError

from .address import KafkaAddress
from .settings import KafkaSettings

__all__ = ["connection_options"]


def connection_options(address: KafkaAddress, settings: KafkaSettings, *, client_id: str) -> dict[str, Any]:
    """Return the arguments that every client of aiokafka takes; SettingsError if a file cannot be used."""
    options: dict[str, Any] = {"bootstrap_servers": list(address.servers), "client_id": client_id}
    if settings.tls:
        options["ssl_context"] = _ssl_context(settings)
    if settings.username:
        options |= {
            "sasl_mechanism": settings.mechanism,
            "sasl_plain_username": settings.username,
            "sasl_plain_password": _password(settings),
        }
    options["security_protocol"] = ("SASL_" if settings.username else "") + ("SSL" if settings.tls else "PLAINTEXT")
    return options


def _ssl_context(settings: KafkaSettings) -> ssl.SSLContext:
    try:
        context = ssl.create_default_context(cafile=settings.ca_file)
        if settings.certificate_file:
            context.load_cert_chain(settings.certificate_file, settings.key_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(
            f"the certificates for Kafka cannot be used: {error}",
            hint="see `ca_file`, `certificate_file` and `key_file` under `kafka`",
        ) from error
    return context


def _password(settings: KafkaSettings) -> str:
    if settings.password_file is None:
        return settings.password.get_secret_value()
    try:
        return Path(settings.password_file).read_text(encoding="utf-8").partition("\n")[0].rstrip("\r")
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(
            f"the password in {settings.password_file} cannot be read: {error}", hint="see `kafka.password_file`"
        ) from error
