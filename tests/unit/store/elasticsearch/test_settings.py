"""Settings of which only a half makes sense are refused, all with the keys that they are about."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from clew_collector.store.elasticsearch import ElasticsearchSettings


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"hosts": ["elasticsearch:9200"]}, "write https://HOST:9200"),
        ({"api_key": "k", "api_key_file": "/k"}, "api_key or api_key_file, not both"),
        ({"username": "u", "password": "p", "password_file": "/p"}, "password or password_file, not both"),
        ({"username": "u"}, "username and a password"),
        ({"password_file": "/p"}, "username and a password"),
        (
            {"api_key_file": "/k", "username": "u", "password": "p"},
            "API key or a user's name and password, not both",
        ),
        # The client took the settings and broke at the first request, with an error of its own.
        ({"ca_certificates": "/ca.pem"}, "ca_certificates is for https://, http://127.0.0.1:9200 is not"),
        ({"ca_certificates": "/ca.pem", "hosts": ["https://a:9200", "http://b:9200"]}, "http://b:9200 is not"),
        ({"retry_wait_s_min": 2, "retry_wait_s_max": 1}, "retry_wait_s_max must not be below retry_wait_s_min"),
    ],
)
def test_half_answers_are_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        ElasticsearchSettings.model_validate(given)


def test_secrets_are_not_shown() -> None:
    shown = repr(ElasticsearchSettings(api_key="Ariadne", hosts=("https://a:9200",)))  # type: ignore[arg-type]
    assert "Ariadne" not in shown
