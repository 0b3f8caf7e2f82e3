"""The page's files, read once: each with its type, all under one digest that changes when any of them does."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

__all__ = ["Asset", "Assets", "read_assets"]

_MEDIA_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""What the page consists of; other files in the folder (licences, notes) are not served."""
_DIGEST_CHARACTERS = 16
_PREFIX = b"{{static}}"


@dataclass(frozen=True, slots=True)
class Asset:
    """A file's bytes and its media type."""

    body: bytes
    media_type: str


@dataclass(frozen=True, slots=True)
class Assets:
    """All files by their path under `static`, the page itself, and the digest of everything."""

    files: dict[str, Asset]
    page: bytes
    digest: str


def read_assets(folder: Path) -> Assets:
    """Return the files under the folder; `{{static}}` in its `index.html` becomes the path of the others."""
    files = {
        path.relative_to(folder).as_posix(): Asset(path.read_bytes(), _MEDIA_TYPES[path.suffix])
        for path in sorted(folder.rglob("*"))
        if path.suffix in _MEDIA_TYPES
    }
    page = files.pop("index.html").body
    total = sha256(page)
    for name, asset in files.items():
        total.update(f"\n{name} {len(asset.body)}\n".encode() + asset.body)
    digest = total.hexdigest()[:_DIGEST_CHARACTERS]
    return Assets(files, page.replace(_PREFIX, f"/static/{digest}".encode()), digest)
