"""A certificate for loopback, made by the JDK's keytool: a keystore for brokers, and what clients trust, as PEM."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .jdk import run_jdk

__all__ = ["Certificate"]

PASSWORD = "loopback"  # noqa: S105 - of a keystore that lives as long as a test


@dataclass(frozen=True, slots=True)
class Certificate:
    """Signed by itself, for 127.0.0.1 and localhost."""

    keystore: Path
    """PKCS #12, with the key."""
    pem: Path
    password: str = PASSWORD

    @classmethod
    def make(cls, folder: Path) -> Certificate:
        """Make one in the folder."""
        certificate = cls(folder / "loopback.p12", folder / "loopback.pem")
        store = ("-keystore", str(certificate.keystore), "-storepass", PASSWORD, "-alias", "loopback")
        run_jdk(
            *("keytool", "-noprompt"),
            *("-genkeypair", "-keyalg", "EC", "-groupname", "secp256r1", "-validity", "2", "-dname", "CN=loopback"),
            *("-ext", "san=ip:127.0.0.1,dns:localhost", "-ext", "bc:critical=ca:true", "-storetype", "PKCS12"),
            *store,
        )
        run_jdk("keytool", "-noprompt", "-exportcert", "-rfc", "-file", str(certificate.pem), *store)
        return certificate

    @property
    def properties(self) -> dict[str, str]:
        """What a broker is told of it."""
        return {
            "ssl.keystore.type": "PKCS12",
            "ssl.keystore.location": str(self.keystore),
            "ssl.keystore.password": self.password,
            "ssl.key.password": self.password,
        }
