"""What a collector is told of Kafka: which settings do not hold together, and why."""

from __future__ import annotations

from typing import get_args

import pytest

from clew_agent.errors import SettingsError
from clew_agent.settings import parse_settings
from clew_collector.foreign import Form
from clew_collector.log.kafka.settings import ForeignTopic, KafkaLogSettings


def test_topics_of_others_are_named_with_their_form_or_without() -> None:
    text = "{foreign_topics: [{topic: otlp_logs, form: otlp_logs}, {topic: any}]}"
    settings = parse_settings(text, KafkaLogSettings)
    assert [(one.topic, one.form) for one in settings.foreign_topics] == [("otlp_logs", "otlp_logs"), ("any", None)]


def test_every_form_can_be_set() -> None:
    literal, _ = get_args(ForeignTopic.model_fields["form"].annotation)
    assert set(get_args(literal)) == {form.value for form in Form}


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{foreign_topics: [{topic: a}, {topic: a, form: json}]}", "names a twice"),
        ("{foreign_topics: [{topic: clew.events}]}", "Clew's own"),
        ("{server: 'kafka://b:1/mine', foreign_topics: [{topic: mine.agents}]}", "Clew's own"),
        ("{foreign_topics: [{topic: 'a b'}]}", "foreign_topics.0.topic"),
        ("{foreign_topics: [{topic: a, form: avro}]}", "foreign_topics.0.form"),
    ],
)
def test_what_does_not_hold_is_said(text: str, why: str) -> None:
    with pytest.raises(SettingsError) as raised:
        parse_settings(text, KafkaLogSettings)
    assert why in str(raised.value.problems)
