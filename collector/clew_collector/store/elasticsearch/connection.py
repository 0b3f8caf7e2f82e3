"""One Elasticsearch, by its own client: authentication, nodes, timeouts; answers as bytes and as typed objects.

Only what every distribution answers: no `GET /`, no scripts, no lifecycle management.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from elastic_transport import JsonSerializer, TlsError, TransportError
from elasticsearch import ApiError, AsyncElasticsearch, UnsupportedProductError

from clew_collector.errors import StoreError

from .request import ANSWER_FILTER
from .settings import ElasticsearchSettings
from .verdict import reason_of

__all__ = ["Connection", "Reply", "client_of", "connect", "refused"]

T = TypeVar("T")
_JSON = "application/vnd.elasticsearch+json; compatible-with=8"
_LINES = "application/vnd.elasticsearch+x-ndjson; compatible-with=8"
_STATUSES = tuple(range(400, 600))

OPENSEARCH_HINT = (
    "Clew stores in Elasticsearch 8.19 or newer; OpenSearch and Elasticsearch 7 speak another dialect. "
    "Without an Elasticsearch, leave `store` out: the embedded store needs none"
)
ACCESS_HINT = (
    "check api_key, or username and password; they need the cluster privileges monitor and manage_index_templates, and "
    "read, write, create_index, delete_index, maintenance, monitor and view_index_metadata on indices of index_prefix"
)


# What the client would say with every failed request stands once in our own errors.
logging.getLogger("elastic_transport").setLevel(logging.CRITICAL)


class _Bytes(JsonSerializer):
    """Leaves answers as they are: each is decoded once, into the type that it is asked for as."""

    def loads(self, data: bytes) -> Any:
        return data


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, and its body as it came."""

    status: int
    body: bytes


class Connection:
    """Asks and tells. For one event loop."""

    def __init__(self, client: AsyncElasticsearch, settings: ElasticsearchSettings) -> None:
        self._client = client
        self._settings = settings

    async def bulk(self, body: bytes) -> Reply | None:
        """Send a bulk request; None when no whole answer came, so that anything may have become of it."""
        try:
            return await self._perform(
                "POST",
                "/_bulk",
                body,
                timeout_s=self._settings.bulk_timeout_s,
                content_type=_LINES,
                parameters={"filter_path": ANSWER_FILTER},
            )
        except (TlsError, UnsupportedProductError) as error:
            raise _failed(error) from error
        except TransportError:
            return None

    async def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        kind: type[T],
        allow: tuple[int, ...] = (),
        parameters: Mapping[str, str] | None = None,
    ) -> T:
        """Return an answer as an object of this type; StoreError when it is an error of a status not allowed."""
        reply = await self.reply(method, path, body, parameters=parameters)
        if reply.status >= 400 and reply.status not in allow:
            raise refused(reply, f"{method} {path.partition('?')[0]}")
        try:
            return msgspec.json.decode(reply.body or b"{}", type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StoreError(
                f"Elasticsearch's answer to {method} {path} is none that Clew knows: {error}", hint=OPENSEARCH_HINT
            ) from error

    async def reply(
        self, method: str, path: str, body: Any = None, *, parameters: Mapping[str, str] | None = None
    ) -> Reply:
        """Return an answer, whatever its status; StoreError when there is none."""
        try:
            sent = None if body is None else msgspec.json.encode(body)
        except (UnicodeEncodeError, RecursionError) as error:
            raise StoreError(
                f"this cannot be asked: {error}", hint="ask for Unicode text, nested less deeply"
            ) from error
        try:
            return await self._perform(
                method, path, sent, timeout_s=self._settings.search_timeout_s, parameters=parameters
            )
        except (TransportError, UnsupportedProductError) as error:
            raise _failed(error) from error

    async def _perform(
        self,
        method: str,
        path: str,
        body: bytes | None,
        *,
        timeout_s: float,
        content_type: str = _JSON,
        parameters: Mapping[str, str] | None = None,
    ) -> Reply:
        headers = {"accept": _JSON}
        if body is not None:
            headers["content-type"] = content_type
        client = self._client.options(ignore_status=_STATUSES, request_timeout=timeout_s)
        answer = await client.perform_request(method, path, headers=headers, body=body, params=parameters)
        found = answer.body
        return Reply(answer.meta.status, found if isinstance(found, bytes) else str(found or "").encode())

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()


def connect(settings: ElasticsearchSettings) -> Connection:
    """Return a connection, made when it is first used. StoreError when a file of the settings cannot be read."""
    return Connection(client_of(settings), settings)


def client_of(settings: ElasticsearchSettings) -> AsyncElasticsearch:
    """Return the client of a `Connection`. StoreError when a file of the settings cannot be read."""
    options: dict[str, Any] = {}
    if (key := _secret(settings.api_key, settings.api_key_file)) is not None:
        options["api_key"] = key
    elif settings.username is not None:
        options["basic_auth"] = (settings.username, _secret(settings.password, settings.password_file) or "")
    if settings.ca_certificates is not None:
        try:
            options["ssl_context"] = ssl.create_default_context(cafile=str(settings.ca_certificates))
        except OSError as error:
            raise StoreError(
                f"cannot read {settings.ca_certificates}: {error}", hint="ca_certificates names a PEM file"
            ) from error
    serializer = _Bytes()
    return AsyncElasticsearch(
        list(settings.hosts),
        serializers={"application/json": serializer, "application/vnd.elasticsearch+json": serializer},
        # Another node may answer; whether to send again at all is decided by `verdict`.
        max_retries=len(settings.hosts) - 1,
        retry_on_timeout=False,
        retry_on_status=(),
        **options,
    )


def _secret(given: Any, file: Path | None) -> str | None:
    if given is not None:
        return str(given.get_secret_value())
    if file is None:
        return None
    try:
        return file.read_text().strip()
    except OSError as error:
        raise StoreError(f"cannot read {file}: {error.strerror}", hint="it holds a secret of `store`") from error


def refused(reply: Reply, what: str) -> StoreError:
    """Return the error that an answer is."""
    hint = ACCESS_HINT if reply.status in {401, 403} else ""
    return StoreError(f"Elasticsearch refused {what}: {reply.status}: {reason_of(reply.body)}", hint=hint)


def _failed(error: Exception) -> StoreError:
    if isinstance(error, UnsupportedProductError):
        return StoreError("what answers there is no Elasticsearch of version 8 or newer", hint=OPENSEARCH_HINT)
    if isinstance(error, TlsError):
        return StoreError(
            f"no safe connection to Elasticsearch: {error.message}",
            hint="ca_certificates names the authority that signed the nodes' certificates; http:// and https:// differ",
        )
    if isinstance(error, ApiError | TransportError):
        return StoreError(
            f"Elasticsearch does not answer: {error.message}", hint="check `hosts` (http or https), and that it runs"
        )
    return StoreError(f"Elasticsearch does not answer: {error}")
