"""What happens at the receiver."""

from __future__ import annotations

import threading

from tests.scenarios.tailing.catalogue import scenario
from tests.scenarios.tailing.programs import Behaviour
from tests.scenarios.tailing.stage import Stage
from tests.scenarios.tailing.verdict import Tier


@scenario("39", "away at the start")
def away_at_start(stage: Stage) -> None:
    stage.receiver.down()
    stage.append_all(200)
    stage.start()
    stage.pause(1)
    stage.append_all(50)
    stage.receiver.up()


@scenario("40", "away under load, a restart meanwhile", Tier.DOUBLE)
def away_under_load(stage: Stage) -> None:
    stage.append_all(200)
    stage.start()
    done = threading.Event()

    def write() -> None:
        while not done.wait(0.01):
            stage.append_all(20)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        stage.pause(0.3)
        stage.receiver.down()
        stage.pause(450 if stage.full else 0.7)
        stage.stop()
        stage.start()
        stage.pause(450 if stage.full else 0.7)
        stage.receiver.up()
        stage.pause(0.5)
    finally:
        done.set()
        writer.join()


@scenario("41", "slow")
def slow(stage: Stage) -> None:
    stage.receiver.behaviour = Behaviour.SLOW
    stage.start()
    for _ in range(20):
        stage.append_all(100)
        stage.pause(0.02)
    stage.pause(1)
    stage.receiver.behaviour = Behaviour.TAKE


@scenario("42", "takes lines and does not say so", Tier.DOUBLE)
def drops_acknowledgements(stage: Stage) -> None:
    stage.receiver.behaviour = Behaviour.FORGET_TO_SAY
    stage.append_all(100)
    stage.start()
    stage.settle()
    stage.pause(0.5)
    stage.receiver.behaviour = Behaviour.TAKE
    stage.append_all(10)


@scenario("43", "never takes one of the lines", Tier.LOSE)
def poison(stage: Stage) -> None:
    stage.receiver.refuses = lambda line: b"poison" in line
    stage.append_all(100)
    with stage.path.open("ab") as file:
        file.write(b"poison 1\n")
    stage.expect(b"poison 1")
    stage.append_all(100)
    stage.start()


@scenario("44", "another one takes its place", Tier.DOUBLE)
def other_receiver(stage: Stage) -> None:
    stage.start()
    for _ in range(100 if stage.full else 8):
        stage.append_all(200)
        stage.pause(0.03)
        stage.receiver.down()
        stage.append_all(20)
        stage.receiver.up()
