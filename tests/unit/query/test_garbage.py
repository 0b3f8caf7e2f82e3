"""Pausing the garbage collector."""

import gc

import pytest

from clew_query.garbage import collector_paused


def test_it_is_paused_until_the_last_one_is_done() -> None:
    with collector_paused():
        with collector_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()


def test_a_failure_does_not_leave_it_paused() -> None:
    with pytest.raises(RuntimeError, match="broken"), collector_paused():
        raise RuntimeError("broken")
    assert gc.isenabled()
