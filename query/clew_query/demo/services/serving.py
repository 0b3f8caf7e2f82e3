"""How a service is served: uvicorn on a socket that whoever started it has bound already."""

from __future__ import annotations

import argparse
import socket

import uvicorn
from starlette.types import ASGIApp

__all__ = ["serve"]


def serve(app: ASGIApp) -> None:
    """Serve the app on the listening socket `--fd N` until SIGTERM."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--fd", type=int, required=True, help="file descriptor of the listening socket")
    listening = socket.socket(fileno=arguments.parse_args().fd)
    # uvicorn's own words go to stderr; stdout is the service's log.
    uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False)).run(sockets=[listening])
