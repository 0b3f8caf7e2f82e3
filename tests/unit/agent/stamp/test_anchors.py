from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clew_agent.stamp.aliases import BUILT_IN
from clew_agent.stamp.anchors import Anchors
from clew_agent.stamp.notations import NOTATIONS

LITERALS = sorted({notation.anchor for notation in (*NOTATIONS, *BUILT_IN) if notation.anchor})


@given(st.text(alphabet="rRaAcCeEqQlLtT=1-b3B0 \n", max_size=60))
def test_all_that_occur_are_found_in_any_case(text: str) -> None:
    expected = {literal for literal in LITERALS if literal in text.lower()}
    assert Anchors(LITERALS).present(text.encode()) == expected


@pytest.mark.parametrize("literal", ["", "trace"])
def test_a_literal_is_short(literal: str) -> None:
    with pytest.raises(ValueError, match="an anchor has 1 to 4 characters"):
        Anchors([literal])


@pytest.mark.parametrize("literals", [("rre", "eq"), ("ab", "abc"), ("abc", "b")])
def test_literals_that_could_hide_each_other_are_refused(literals: tuple[str, str]) -> None:
    with pytest.raises(ValueError, match="overlap"):
        Anchors(literals)


def test_every_notation_needs_its_anchor() -> None:
    """A gate that is closed where the pattern would match loses ids."""
    for notation in (*NOTATIONS, *BUILT_IN):
        assert notation.anchor in notation.pattern.pattern.decode().replace("\\", "") or notation.anchor == "t=1-"
