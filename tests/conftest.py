"""What every test may ask for: the real logs, and what to do when something is not there."""

from __future__ import annotations

import os
import shutil
import signal
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from deploy.engines import Certificate, Elasticsearch, EnginesUnavailable, Kafka, Running, Security
from deploy.engines.places import free_ports
from hypothesis import settings
from tests.relay import Relay
from xdist.scheduler import LoadScopeScheduling

# No test asserts a time; a machine that is hard at work takes long over an example.
settings.register_profile("clew", deadline=None)
settings.load_profile("clew")

ROOT = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Let SIGINT be heard: a shell's background job ignores it, and so would everything that the tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


class InFolders(LoadScopeScheduling):
    """Keeps a file's tests in one process where there are several, and those that share engines."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        folder = file.split("/")[1]
        return "engines" if folder in {"contract", "integration"} else folder if folder == "chaos" else file


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> InFolders:
    """Say how tests are spread over processes."""
    return InFolders(config, log)


def skip_or_fail(reason: str, *, required_by: str) -> None:
    """Skip with the reason, or fail where the environment variable says that this must not be skipped."""
    if os.environ.get(required_by) == "1":
        pytest.fail(f"{reason} ({required_by}=1)")
    pytest.skip(reason)


@pytest.fixture(scope="session")
def real_logs() -> Path:
    """The folder with the real logs: CLEW_DATA, else `shared/data` beside the checkout."""
    folder = Path(os.environ.get("CLEW_DATA") or ROOT.parent / "shared" / "data")
    if not folder.is_dir():
        skip_or_fail(
            f"there are no real logs at {folder}; CLEW_DATA names their folder", required_by="CLEW_REQUIRE_DATA"
        )
    return folder


@pytest.fixture(scope="session")
def loghub(real_logs: Path) -> Path:
    """The folder with 2,000 lines each of eight systems."""
    folder = real_logs / "loghub"
    if not folder.is_dir():
        skip_or_fail(f"there is no {folder}", required_by="CLEW_REQUIRE_DATA")
    return folder


def _unpack(real_logs: Path, name: str, into: Path) -> Path:
    archive = real_logs / f"{name}.tar.xz"
    if not archive.is_file():
        skip_or_fail(f"there is no {archive}", required_by="CLEW_REQUIRE_DATA")
    with tarfile.open(archive) as tar:
        tar.extractall(into, filter="data")
    return into


@pytest.fixture(scope="session")
def trainticket(real_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One day of TrainTicket, unpacked: `hosts/<node>/<pod>_server.log` and `spans.csv`."""
    return _unpack(real_logs, "trainticket-2023-01-29", tmp_path_factory.mktemp("trainticket"))


@pytest.fixture(scope="session")
def onlineboutique(real_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two minutes of OnlineBoutique, unpacked, in the same form."""
    return _unpack(real_logs, "onlineboutique-2022-08-22", tmp_path_factory.mktemp("onlineboutique"))


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium."""
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        skip_or_fail("there is no Chromium on this machine", required_by="CLEW_REQUIRE_BROWSER")
    assert found is not None
    return found


def _want_engines() -> None:
    if os.environ.get("CLEW_REQUIRE_ENGINES") != "1":
        pytest.skip("real engines take half an hour: CLEW_REQUIRE_ENGINES=1 make test plays them")


@contextmanager
def _own_kafka(nodes: int, scram: dict[str, str] | None = None, **extra: str) -> Iterator[Kafka]:
    with tempfile.TemporaryDirectory(prefix="clew-kafka-", ignore_cleanup_errors=True) as folder:
        _want_engines()
        try:
            cluster = Kafka.start(Path(folder), nodes=nodes, extra=extra, scram=scram)
        except EnginesUnavailable as unavailable:
            skip_or_fail(str(unavailable), required_by="CLEW_REQUIRE_ENGINES")
        try:
            yield cluster
        finally:
            cluster.stop()


@contextmanager
def _own_elasticsearch(
    *, heap_mb: int = 1024, security: Security | None = None, **extra: str
) -> Iterator[Elasticsearch]:
    with tempfile.TemporaryDirectory(prefix="clew-elasticsearch-", ignore_cleanup_errors=True) as folder:
        _want_engines()
        try:
            node = Elasticsearch.start(Path(folder), heap_mb=heap_mb, extra=extra, security=security)
        except EnginesUnavailable as unavailable:
            skip_or_fail(str(unavailable), required_by="CLEW_REQUIRE_ENGINES")
        try:
            yield node
        finally:
            node.stop()


@pytest.fixture(scope="session")
def kafka() -> Iterator[Kafka]:
    """A real Kafka: the one that `make engines` keeps running, else one of one node for this session.

    Others may use it too: a test takes topics and groups of its own, and leaves the nodes alone.
    """
    if (running := Running.found().kafka) is not None:
        yield running
    else:
        with _own_kafka(1) as cluster:
            yield cluster


@pytest.fixture(scope="session")
def kafka3() -> Iterator[Kafka]:
    """The same with three nodes, two of which must have a record before it is acknowledged."""
    if (running := Running.found().kafka) is not None and len(running.nodes) == 3:
        yield running
    else:
        with _own_kafka(3) as cluster:
            yield cluster


@pytest.fixture(scope="session")
def relayed_kafka() -> Iterator[tuple[Kafka, Relay]]:
    """A real Kafka of one node, and a relay: who connects through it stays on it; `kafka.bootstrap` leads past it."""
    [port] = free_ports(1)
    with Relay(("127.0.0.1", port)) as relay:
        listeners = {
            "listeners": f"PLAINTEXT://127.0.0.1:{{port}},RELAYED://127.0.0.1:{port},"
            "CONTROLLER://127.0.0.1:{controller_port}",
            "advertised.listeners": f"PLAINTEXT://127.0.0.1:{{port}},RELAYED://127.0.0.1:{relay.port}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,RELAYED:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "inter.broker.listener.name": "PLAINTEXT",
        }
        with _own_kafka(1, **listeners) as cluster:
            yield cluster, relay


@dataclass(frozen=True)
class SecuredKafka:
    """A Kafka that is open on `kafka.bootstrap`, and on `secured` asks for a login over TLS."""

    kafka: Kafka
    secured: str
    """`127.0.0.1:PORT`."""
    certificate: Certificate
    user: str
    password: str


@pytest.fixture(scope="session")
def secured_kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecuredKafka]:
    """A real Kafka behind TLS and SASL: PLAIN and both SCRAMs."""
    _want_engines()
    [port] = free_ports(1)
    certificate = Certificate.make(tmp_path_factory.mktemp("certificate"))
    user, password = "clew", "geheim"
    login = f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{user}="{password}";'
    scram = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
    properties = {
        "listeners": f"PLAINTEXT://127.0.0.1:{{port}},SECURED://127.0.0.1:{port},"
        "CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{{port}},SECURED://127.0.0.1:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,SECURED:SASL_SSL,CONTROLLER:PLAINTEXT",
        "inter.broker.listener.name": "PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        "listener.name.secured.plain.sasl.jaas.config": login,
        "listener.name.secured.scram-sha-256.sasl.jaas.config": scram,
        "listener.name.secured.scram-sha-512.sasl.jaas.config": scram,
        **certificate.properties,
    }
    with _own_kafka(1, scram={user: password}, **properties) as cluster:
        yield SecuredKafka(cluster, f"127.0.0.1:{port}", certificate, user, password)


@pytest.fixture(scope="session")
def elastic() -> Iterator[Elasticsearch]:
    """A real Elasticsearch, shared like `kafka`: a test takes an index prefix of its own."""
    if (running := Running.found().elasticsearch) is not None:
        yield running
    else:
        with _own_elasticsearch() as node:
            yield node


@pytest.fixture(scope="module")
def secured_elastic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Elasticsearch]:
    """A real Elasticsearch that asks for a login over TLS; `security` holds that of somebody who may do anything."""
    _want_engines()
    certificate = Certificate.make(tmp_path_factory.mktemp("certificate"))
    with _own_elasticsearch(heap_mb=512, security=Security(certificate, "elastic-admin", "Wahrsager-7")) as node:
        yield node


@pytest.fixture
def start_kafka() -> Iterator[Callable[..., Kafka]]:
    """Start a Kafka for this test alone, whose nodes it may kill: `start_kafka(nodes=3, **{"property": "value"})`."""
    with ExitStack() as started:
        yield lambda nodes=1, **extra: started.enter_context(_own_kafka(nodes, **extra))


@pytest.fixture(scope="module")
def own_engines() -> Iterator[tuple[Kafka, Elasticsearch]]:
    """A Kafka of three nodes and an Elasticsearch for this file alone, whose tests may kill them."""
    with _own_kafka(3) as kafka, _own_elasticsearch() as elastic:
        yield kafka, elastic


@pytest.fixture
def start_elasticsearch() -> Iterator[Callable[..., Elasticsearch]]:
    """Start an Elasticsearch for this test alone, which it may kill: `start_elasticsearch(**{"setting": "value"})`."""
    with ExitStack() as started:
        yield lambda **extra: started.enter_context(_own_elasticsearch(**extra))
