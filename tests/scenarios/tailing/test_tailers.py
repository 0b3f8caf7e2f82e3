"""The agent plays every scenario, with inotify and by polling alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from tests.scenarios.tailing.catalogue import SCENARIOS
from tests.scenarios.tailing.clew_program import ClewProgram
from tests.scenarios.tailing.playing import Variant, play
from tests.scenarios.tailing.verdict import Verdict

FULL = os.environ.get("CLEW_TAILERS_FULL") == "1"
VARIANTS = {
    "inotify": Variant(polling=False, experienced=False, files=1),
    "polling": Variant(polling=True, experienced=True, files=3),
}
if FULL:
    VARIANTS = {
        f"{'polling' if polling else 'inotify'}-{'experienced' if experienced else 'fresh'}-{files}": Variant(
            polling=polling, experienced=experienced, files=files
        )
        for polling in (False, True)
        for experienced in (False, True)
        for files in (1, 50)
    }


@pytest.fixture(scope="module")
def played(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[tuple[str, str], Future[Verdict]]]:
    """Everything that is asked for, played a few at a time: scenarios mostly wait."""
    wanted = [
        item.callspec.params for item in request.session.items if getattr(item, "originalname", "") == "test_scenario"
    ]
    with ThreadPoolExecutor(4) as pool:
        yield {
            (one["number"], one["variant"]): pool.submit(
                play,
                SCENARIOS[one["number"]],
                ClewProgram,
                VARIANTS[one["variant"]],
                tmp_path_factory.mktemp("stage"),
                full=FULL,
            )
            for one in wanted
        }


@pytest.mark.timeout(0 if FULL else 400)
@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("number", SCENARIOS)
def test_scenario(number: str, variant: str, played: dict[tuple[str, str], Future[Verdict]]) -> None:
    """What the tier demands is what became of the lines."""
    verdict = played[number, variant].result()
    assert verdict.holds(SCENARIOS[number].tier), f"{SCENARIOS[number].title}: {verdict}: {verdict.example}"
