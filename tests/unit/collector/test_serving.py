"""The socket that programs listen on."""

from __future__ import annotations

import contextlib
import socket

import pytest

from clew_agent.errors import ClewError
from clew_collector.serving import bind, url_of


def test_answers_do_not_wait_for_the_clients_acknowledgement() -> None:
    with contextlib.closing(bind("127.0.0.1:0")) as bound:
        assert bound.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        assert url_of(bound).startswith("http://127.0.0.1:")


@pytest.mark.parametrize("listen", ["8900", "host", "127.0.0.1:", "127.0.0.1:99999", ":80x"])
def test_what_is_no_address_is_refused(listen: str) -> None:
    with pytest.raises(ClewError, match="is not HOST:PORT"):
        bind(listen)
