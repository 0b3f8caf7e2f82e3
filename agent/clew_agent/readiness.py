"""Telling the service manager that the agent is ready: the protocol of sd_notify(3), one datagram."""

from __future__ import annotations

import os
import socket

import structlog

__all__ = ["tell_ready"]


def tell_ready() -> None:
    """Send `READY=1` to the socket that `NOTIFY_SOCKET` names; nothing where nobody waits for it.

    A manager that cannot be reached is logged: it will say itself that it waited in vain.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    # An abstract socket's name is written with an @ in place of the NUL.
    name = "\0" + address[1:] if address.startswith("@") else address
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notify:
            notify.sendto(b"READY=1", name)
    except OSError as error:
        structlog.get_logger().warning("The service manager cannot be told.", socket=address, error=error.strerror)
