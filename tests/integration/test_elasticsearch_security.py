"""An Elasticsearch that asks for a login over TLS: stores and the doctor get in, or say why not."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from deploy.engines import Elasticsearch
from pydantic import SecretStr
from tests.elastic_stores import elastic_settings

from clew_collector.doctor import Finding, Level, gather, judge
from clew_collector.errors import StoreError
from clew_collector.event import Event
from clew_collector.store.elasticsearch import ElasticsearchSettings, ElasticsearchStore, RetentionSettings
from clew_collector.store.elasticsearch.connection import connect
from clew_collector.store.elasticsearch.names import DAY_NS, Names
from clew_collector.store.expression import ALL, Term
from clew_collector.store.protocol import Item, TransactionRequest, Verdict

# Its start is the first test's: 15 to 27 s with preference, minutes on a machine that is hard at work.
pytestmark = [pytest.mark.elastic, pytest.mark.timeout(420)]

TODAY = time.time_ns() // DAY_NS * DAY_NS
NEEDED: dict[str, Any] = {
    "cluster": ["monitor", "manage_index_templates"],
    "index": ["read", "write", "create_index", "delete_index", "maintenance", "monitor", "view_index_metadata"],
}
"""The privileges that docs/kafka.md names."""
RETENTION = RetentionSettings(age_days_max=3)
NO_TLS = {"scheme": "http"}
USER, PASSWORD = "clew", "Ariadne-1"


class Cluster:
    """What its administrator does."""

    def __init__(self, node: Elasticsearch) -> None:
        assert node.security is not None
        self.node, self.security = node, node.security
        self._client = httpx.Client(base_url=node.url, timeout=60, **self.security.client)

    def settings(self, **others: Any) -> ElasticsearchSettings:
        """Settings of nobody, who trusts the node's certificate."""
        return elastic_settings(
            self.node.url,
            **{"ca_certificates": self.security.certificate.pem, "attempts_max": 2, "retention": RETENTION, **others},
        )

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._client.request(method, path, json=body)
        assert answer.status_code < 400, answer.text
        return answer.json()

    def keyed(self, prefix: str | None = None, **privileges: list[str]) -> ElasticsearchSettings:
        """Settings with an API key of the least privileges, or of others; the key is named as the prefix is."""
        settings = self.settings(**({"index_prefix": prefix} if prefix else {}))
        roles = {"clew": role(settings.index_prefix, **privileges)}
        said = self.ask("POST", "/_security/api_key", {"name": settings.index_prefix, "role_descriptors": roles})
        return settings.model_copy(update={"api_key": SecretStr(said["encoded"])})

    def remove(self) -> None:
        for path in ("test-*", "_index_template/test-*"):
            assert self._client.delete(f"/{path}").status_code in {200, 404}
        self._client.close()


def role(prefix: str, **privileges: list[str]) -> dict[str, Any]:
    """The least that a store of this prefix needs, or other privileges."""
    wanted = NEEDED | privileges
    return {"cluster": wanted["cluster"], "indices": [{"names": [f"{prefix}-*"], "privileges": wanted["index"]}]}


@pytest.fixture
def cluster(secured_elastic: Elasticsearch) -> Iterator[Cluster]:
    made = Cluster(secured_elastic)
    yield made
    made.remove()


def line(offset: int, *, day: int = 0) -> Event:
    return Event(
        event_id=f"{'ab' * 10}{offset:012x}", timestamp=TODAY + day * DAY_NS + offset, observed_timestamp=TODAY,
        service="orders", host="alpha", source="/var/log/orders.log", offset=offset, length=10,
        transaction_id=f"{offset // 2:032x}", transaction_origin="line", body="paid",
    )  # fmt: skip


async def exercise(settings: ElasticsearchSettings) -> None:
    """Do all that a collector, the query side and the doctor do."""
    store = ElasticsearchStore.open(settings, account="log")
    lines = [line(0), line(1), line(2, day=-2000)]
    assert await store.write([Item(1, one) for one in lines]) == [Verdict.CREATED] * 3
    await store.flush()
    other = ElasticsearchStore.open(settings)
    assert await other.write([Item(2, one) for one in lines]) == [Verdict.DUPLICATE] * 3
    await other.close()
    assert await store.count(Term("transaction_id", lines[0].transaction_id)) == 2
    assert (await store.transactions(TransactionRequest())).total == 2
    assert [one.events for one in await store.files()] == [3]
    assert len(await store.janitor.sweep()) == 1
    assert await store.count(ALL) == 2
    await store.close()
    assert Level.ERROR not in {one.level for one in await examined(settings)}


async def examined(settings: ElasticsearchSettings) -> list[Finding]:
    connection = connect(settings)
    try:
        return judge(await gather(connection, Names(settings.index_prefix)), settings)
    finally:
        await connection.close()


class TestWhoMay:
    async def test_an_api_key_needs_no_more_privileges_than_the_documentation_says(
        self, cluster: Cluster, tmp_path: Path
    ) -> None:
        settings = cluster.keyed()
        await exercise(settings)
        assert settings.api_key is not None
        (tmp_path / "key").write_text(settings.api_key.get_secret_value() + "\n")
        settings = settings.model_copy(update={"api_key": None, "api_key_file": tmp_path / "key"})
        assert Level.ERROR not in {one.level for one in await examined(settings)}

    async def test_a_user_with_a_password(self, cluster: Cluster) -> None:
        settings = cluster.settings(username=USER, password=PASSWORD)
        cluster.ask("PUT", f"/_security/role/{settings.index_prefix}", role(settings.index_prefix))
        cluster.ask("PUT", f"/_security/user/{USER}", {"password": PASSWORD, "roles": [settings.index_prefix]})
        await exercise(settings)


class TestWhoMayNot:
    @pytest.mark.parametrize(
        ("wrong", "message", "hint"),
        [
            pytest.param({"password": "falsch-1"}, "401.*unable to authenticate user", "password", id="password"),
            pytest.param({"username": "nobody"}, "401.*unable to authenticate user", "username", id="user"),
            pytest.param({"username": None, "password": None}, "401.*missing authentication", "api_key", id="no login"),
            pytest.param(
                {"username": None, "password": None, "api_key": "ZmFsc2NoOmZhbHNjaA=="},
                "401.*unable to authenticate",
                "api_key",
                id="key",
            ),
            pytest.param(
                {"ca_certificates": None}, "no safe connection.*certificate", "ca_certificates", id="authority"
            ),
            pytest.param(NO_TLS, "does not answer", "http or https", id="no TLS"),
        ],
    )
    async def test_they_are_told_why_and_what_to_do_and_no_secret_is_shown(
        self, cluster: Cluster, wrong: dict[str, Any], message: str, hint: str
    ) -> None:
        login = {"username": cluster.security.user, "password": cluster.security.password}
        if wrong == NO_TLS:
            wrong = {"hosts": (cluster.node.url.replace("https", "http"),), "ca_certificates": None}
        settings = cluster.settings(**login | wrong)
        store = ElasticsearchStore.open(settings)
        with pytest.raises(StoreError) as raised:
            await store.write([Item(1, line(0))])
        await store.close()
        finding = (await examined(settings))[0]
        assert finding.level is Level.ERROR
        for said, todo in ((raised.value.message, raised.value.hint), (finding.message, finding.hint)):
            assert re.search(message, said)
            assert hint in todo
            assert cluster.security.password not in said + todo
            assert "falsch" not in said + todo

    @pytest.mark.parametrize("missing", [("cluster", "monitor"), ("cluster", "manage_index_templates")], ids=str)
    async def test_a_privilege_that_lacks_is_named(self, cluster: Cluster, missing: tuple[str, str]) -> None:
        where, privilege = missing
        settings = cluster.keyed(**{where: [one for one in NEEDED[where] if one != privilege]})
        store = ElasticsearchStore.open(settings)
        with pytest.raises(StoreError, match=r"403: security_exception: .*is unauthorized") as raised:
            await store.write([Item(1, line(0))])
        await store.close()
        assert all(one in raised.value.hint for one in [*NEEDED["cluster"], *NEEDED["index"]])

    async def test_a_key_that_may_not_write_here_loses_nothing(self, cluster: Cluster) -> None:
        store = ElasticsearchStore.open(cluster.keyed(index=["read", "monitor", "view_index_metadata"]))
        with pytest.raises(StoreError, match=r"refused a bulk request: 403: .*is unauthorized"):
            await store.write([Item(1, line(0))])
        await store.close()

    async def test_a_key_that_is_taken_back_meanwhile_loses_nothing(self, cluster: Cluster) -> None:
        store = ElasticsearchStore.open(cluster.keyed())
        assert await store.write([Item(1, line(0))]) == [Verdict.CREATED]
        cluster.ask("DELETE", "/_security/api_key", {"name": store.settings.index_prefix})
        with pytest.raises(StoreError, match=r"refused a bulk request: 401: .*unable to authenticate") as raised:
            await store.write([Item(2, line(1))])
        await store.close()
        assert "api_key" in raised.value.hint
        store = ElasticsearchStore.open(cluster.keyed(store.settings.index_prefix))
        assert await store.write([Item(1, line(0)), Item(2, line(1))]) == [Verdict.DUPLICATE, Verdict.CREATED]
        await store.close()
