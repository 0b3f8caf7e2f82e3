"""Settings of the way into Kafka: what is understood, and what is refused with the reason."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from clew_agent.errors import SettingsError
from clew_agent.kafka import KafkaAddress, KafkaSettings
from clew_agent.kafka.connection import connection_options
from clew_agent.settings import parse_settings


class TestAddress:
    @pytest.mark.parametrize(
        ("url", "servers", "prefix"),
        [
            ("kafka://broker", ("broker:9092",), "clew"),
            ("kafka://broker:9093/", ("broker:9093",), "clew"),
            ("kafka://a:1,b:2,c/logs.prod", ("a:1", "b:2", "c:9092"), "logs.prod"),
            ("kafka://[::1]:9092,10.0.0.1", ("[::1]:9092", "10.0.0.1:9092"), "clew"),
        ],
    )
    def test_it_names_brokers_and_perhaps_a_prefix(self, url: str, servers: tuple[str, ...], prefix: str) -> None:
        assert KafkaAddress.parse(url) == KafkaAddress(servers, prefix)

    @pytest.mark.parametrize(
        "url", ["kafka://", "kafka://a b", "kafka://a:99999", "kafka://a/b/c", "kafka://a/ä", "kafka:a", "http://a"]
    )
    def test_what_is_no_address_is_refused(self, url: str) -> None:
        with pytest.raises(ValueError, match=r"kafka://|port|prefix"):
            KafkaAddress.parse(url)

    def test_it_reads_back_what_it_writes(self) -> None:
        address = KafkaAddress(("a:1", "b:2"), "p")
        assert KafkaAddress.parse(str(address)) == address

    def test_topics_begin_with_the_prefix(self) -> None:
        topics = KafkaAddress.parse("kafka://a/x").topics
        assert (topics.events, topics.agents, topics.dead_letters) == ("x.events", "x.agents", "x.dead-letters")


class TestSettings:
    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("ca_file: /x", "tls: true"),
            ("{tls: true, key_file: /x}", "needs certificate_file"),
            ("username: u", "password or password_file"),
            ("{username: u, password: a, password_file: /x}", "password or password_file"),
            ("password: a", "needs a username"),
            ("mechanism: GSSAPI", "mechanism"),
        ],
    )
    def test_half_a_login_is_refused(self, text: str, said: str) -> None:
        with pytest.raises(SettingsError, match=said):
            parse_settings(text, KafkaSettings)

    def test_a_password_is_not_shown(self) -> None:
        settings = parse_settings("{username: u, password: geheim}", KafkaSettings)
        assert "geheim" not in repr(settings)
        assert "geheim" not in settings.model_dump_json()


class TestConnection:
    ADDRESS = KafkaAddress(("a:1", "b:2"))

    def options(self, text: str) -> dict[str, object]:
        return connection_options(self.ADDRESS, parse_settings(text, KafkaSettings), client_id="me")

    def test_without_settings_it_is_plain(self) -> None:
        assert self.options("{}") == {
            "bootstrap_servers": ["a:1", "b:2"],
            "client_id": "me",
            "security_protocol": "PLAINTEXT",
        }

    def test_a_login_is_passed_on(self, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text("geheim\n")
        options = self.options(f"{{username: u, password_file: {tmp_path / 'secret'}, mechanism: PLAIN}}")
        assert options["security_protocol"] == "SASL_PLAINTEXT"
        assert (options["sasl_mechanism"], options["sasl_plain_username"], options["sasl_plain_password"]) == (
            "PLAIN",
            "u",
            "geheim",
        )

    def test_tls_checks_certificates_and_names(self) -> None:
        options = self.options("{tls: true, username: u, password: p}")
        assert options["security_protocol"] == "SASL_SSL"
        context = options["ssl_context"]
        assert isinstance(context, ssl.SSLContext)
        assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)

    @pytest.mark.parametrize("text", ["{tls: true, ca_file: /nowhere}", "{username: u, password_file: /nowhere}"])
    def test_a_file_that_cannot_be_read_is_a_setting_that_does_not_hold(self, text: str) -> None:
        with pytest.raises(SettingsError, match="cannot be"):
            self.options(text)
