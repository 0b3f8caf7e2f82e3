"""What makes an Elasticsearch ask who comes, over TLS: its settings, a user who may do anything, what clients need."""

from __future__ import annotations

import hashlib
import os
import shutil
import ssl
import subprocess
from base64 import b64encode
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .certificate import Certificate
from .errors import EngineError
from .places import java_home

__all__ = ["Security"]

KEYSTORE_PASSWORD = "xpack.security.http.ssl.keystore.secure_password"  # noqa: S105 - a setting's name
WAIT_S = 60.0
ROUNDS = 10_000
SALT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Security:
    """A login over TLS."""

    certificate: Certificate
    user: str
    password: str

    @property
    def settings(self) -> dict[str, str]:
        """What a node is told of it; the keystore's path begins at its configuration, where it may read files."""
        return {
            "xpack.security.enabled": "true",
            "xpack.security.http.ssl.enabled": "true",
            "xpack.security.http.ssl.keystore.path": self.certificate.keystore.name,
        }

    def put_into(self, config: Path, *, home: Path) -> None:
        """Write the keystore, its password and the user, of role `superuser`, into a node's configuration."""
        shutil.copy(self.certificate.keystore, config)
        done = subprocess.run(
            [home / "bin" / "elasticsearch-keystore", "add", "--force", "--stdin", KEYSTORE_PASSWORD],
            input=self.certificate.password,
            env={**os.environ, "ES_JAVA_HOME": str(java_home()), "ES_PATH_CONF": str(config)},
            capture_output=True,
            text=True,
            check=False,
            timeout=WAIT_S,
        )
        if done.returncode:
            raise EngineError(f"elasticsearch-keystore failed: {done.stdout}{done.stderr}")
        (config / "users").write_text(f"{self.user}:{_hashed(self.password)}\n")
        (config / "users_roles").write_text(f"superuser:{self.user}\n")

    @property
    def client(self) -> dict[str, Any]:
        """What `httpx` is told to come in as this user."""
        context = ssl.create_default_context(cafile=str(self.certificate.pem))
        return {"verify": context, "auth": (self.user, self.password)}


def _hashed(password: str) -> str:
    """Return a password as Elasticsearch keeps it: `{PBKDF2}ROUNDS$SALT$HASH`, with HMAC-SHA-512."""
    salt = os.urandom(SALT_BYTES)
    found = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS, dklen=32)
    return f"{{PBKDF2}}{ROUNDS}${b64encode(salt).decode()}${b64encode(found).decode()}"
