"""The web page: plain ES modules over the API, no build step, nothing from elsewhere."""

from .mount import mount_web

__all__ = ["mount_web"]
