"""A broker that asks for a login over TLS: agents, collectors, letters and the doctor get in, or say why not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.chunks import numbered
from tests.conftest import SecuredKafka
from tests.kafka_topics import create, new_prefix

from clew_agent.errors import TransportUnavailable
from clew_agent.transport.kafka import KafkaTransport
from clew_collector.dead_letters import Content, DeadLetter
from clew_collector.dead_letters.kafka import KafkaDeadLetters
from clew_collector.doctor.finding import Level
from clew_collector.doctor.kafka_facts import gather_kafka
from clew_collector.doctor.kafka_judgement import judge_kafka
from clew_collector.log.kafka.log import KafkaLog
from clew_collector.log.kafka.settings import KafkaLogSettings

pytestmark = pytest.mark.kafka
MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")


def settings_of(secured: SecuredKafka, prefix: str, **others: Any) -> KafkaLogSettings:
    return KafkaLogSettings.model_validate(
        {
            "server": f"kafka://{secured.secured}/{prefix}",
            "group": prefix,
            "tls": True,
            "ca_file": str(secured.certificate.pem),
            "username": secured.user,
            "password": secured.password,
            "timeout_s": 10,
            **others,
        }
    )


def transport_of(settings: KafkaLogSettings) -> KafkaTransport:
    return KafkaTransport(settings.address, settings, client_id="test", timeout_s=settings.timeout_s)


@pytest.mark.parametrize("mechanism", MECHANISMS)
async def test_lines_go_in_and_come_out(secured_kafka: SecuredKafka, mechanism: str, tmp_path: Path) -> None:
    (tmp_path / "password").write_text(secured_kafka.password + "\n")
    login = {"mechanism": mechanism, "password": "", "password_file": str(tmp_path / "password")}
    settings = settings_of(secured_kafka, new_prefix(), partitions=1, **login)
    log = KafkaLog(settings, client_id="test", bury=None)  # type: ignore[arg-type] # nothing here is poison
    try:
        assert await log.read(0, bytes_max=1000, wait_s=0.1) == []  # joins, and makes the topics
        transport = transport_of(settings)
        await transport.send([numbered(0, 10)])
        await transport.close()
        records = []
        while not records:
            records = await log.read(0, bytes_max=1000, wait_s=1)
        assert records[0].chunk == numbered(0, 10)
        await log.stored(records[0].position)
    finally:
        await log.close()
    facts = await gather_kafka(settings)
    assert facts.group.lag_records == 0
    assert {topic.exists for topic in facts.topics} == {True}


async def test_letters_are_kept_and_read(secured_kafka: SecuredKafka) -> None:
    settings = settings_of(secured_kafka, new_prefix())
    await create(secured_kafka.kafka.bootstrap, {settings.address.topics.dead_letters: 1})
    letter = DeadLetter(id="t/0/1", content=Content.RECORD, payload=b"x", reason="r", topic="t", partition=0, offset=1,
                        buried_ns=1)  # fmt: skip
    letters = KafkaDeadLetters(settings, client_id="test")
    await letters.bury([letter])
    assert await letters.letters() == [letter]
    await letters.close()


REFUSED = {
    "a wrong password": ({"password": "falsch"}, "uthentication", "kafka.password"),
    "an unknown user": ({"username": "nobody"}, "uthentication", "kafka.username"),
    "a certificate that nobody vouches for": ({"ca_file": None}, "certificate", "kafka.ca_file"),
    "no TLS": ({"tls": False, "ca_file": None}, "", "kafka.tls"),
    "no login": ({"username": "", "password": ""}, "", "kafka.username"),
}


@pytest.mark.parametrize(("wrong", "message", "hint"), REFUSED.values(), ids=REFUSED)
async def test_who_does_not_get_in_is_told_why_and_shows_no_password(
    secured_kafka: SecuredKafka, wrong: dict[str, Any], message: str, hint: str
) -> None:
    settings = settings_of(secured_kafka, new_prefix(), **wrong)
    transport = transport_of(settings)
    with pytest.raises(TransportUnavailable) as raised:
        await transport.send([numbered(0, 10)])
    await transport.close()
    [finding] = judge_kafka(await gather_kafka(settings), settings)
    assert finding.level is Level.ERROR
    for said, todo in ((raised.value.message, raised.value.hint), (finding.message, finding.hint)):
        assert message in said
        assert hint in todo
        assert secured_kafka.password not in said
        assert "falsch" not in said
