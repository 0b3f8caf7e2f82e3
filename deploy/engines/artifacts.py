"""The engines' files, through Maven with its own settings, once, into the cache."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

from .errors import EnginesUnavailable
from .jdk import run_jdk
from .places import java_home, locked

__all__ = [
    "ELASTICSEARCH_VERSION",
    "KAFKA_VERSION",
    "pom",
    "resolve_elasticsearch",
    "resolve_kafka",
    "resolve_secured_elasticsearch",
]

KAFKA_VERSION = "4.1.1"
ELASTICSEARCH_VERSION = "8.19.8"
LOG4J_VERSION = "2.24.3"
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
MAVEN_TIMEOUT_S = 300

KAFKA_ARTIFACTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    f"org.apache.logging.log4j:log4j-core:{LOG4J_VERSION}",
    f"org.apache.logging.log4j:log4j-slf4j-impl:{LOG4J_VERSION}",  # Kafka brings slf4j 1.7
)
# The server with few modules, which Elastic publishes for integration tests.
ELASTICSEARCH_ARTIFACT = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{ELASTICSEARCH_VERSION}:zip"
SECURITY_ANALYSIS = Path(__file__).with_name("SecurityAnalysis.java")


def pom(artifacts: tuple[str, ...]) -> str:
    """Return a project that depends on these, each `group:artifact:version`."""
    dependencies = "".join(
        f"    <dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId>"
        f"<version>{version}</version></dependency>\n"
        for group, artifact, version in (one.split(":") for one in artifacts)
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0">\n'
        "  <modelVersion>4.0.0</modelVersion>\n"
        "  <groupId>clew</groupId><artifactId>engines</artifactId><version>1</version><packaging>pom</packaging>\n"
        f"  <dependencies>\n{dependencies}  </dependencies>\n"
        "</project>\n"
    )


def resolve_kafka() -> Path:
    """Return the folder with Kafka's jars."""
    return _once(f"kafka-{KAFKA_VERSION}", _fetch_kafka)


def resolve_elasticsearch() -> Path:
    """Return Elasticsearch's home: `bin`, `config`, `lib`, `modules`."""
    return _once(f"elasticsearch-{ELASTICSEARCH_VERSION}", _fetch_elasticsearch)


def resolve_secured_elasticsearch() -> Path:
    """Return the home of an Elasticsearch that can make API keys: with a plugin of ours beside its few modules."""
    source = SECURITY_ANALYSIS.read_bytes()
    home = resolve_elasticsearch()
    return _once(f"{home.name}-secured-{hashlib.sha256(source).hexdigest()[:12]}", lambda work: _secure(home, work))


def _once(name: str, fetch: Callable[[Path], Path]) -> Path:
    """Return the folder of this name; where there is none, it appears whole by a rename, or not at all."""
    with locked("artifacts") as folder:
        done = folder / name
        if not done.is_dir():
            work = folder / f"{name}.part"
            shutil.rmtree(work, ignore_errors=True)
            work.mkdir()
            fetch(work).rename(done)
            shutil.rmtree(work, ignore_errors=True)
        return done


def _fetch_kafka(work: Path) -> Path:
    (work / "pom.xml").write_text(pom(KAFKA_ARTIFACTS))
    libs = work / "libs"
    _maven(work, f"{DEPENDENCY_PLUGIN}:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={libs}")
    return libs


def _fetch_elasticsearch(work: Path) -> Path:
    _maven(work, f"{DEPENDENCY_PLUGIN}:copy", f"-Dartifact={ELASTICSEARCH_ARTIFACT}", f"-DoutputDirectory={work}")
    with zipfile.ZipFile(next(work.glob("*.zip"))) as archive:
        for entry in archive.infolist():
            path = Path(archive.extract(entry, work))
            if mode := entry.external_attr >> 16 & 0o777:
                path.chmod(mode)
    return work / f"elasticsearch-{ELASTICSEARCH_VERSION}"


def _secure(home: Path, work: Path) -> Path:
    secured = work / "home"
    shutil.copytree(home, secured)
    name = SECURITY_ANALYSIS.stem
    plugin, classes = secured / "plugins" / name, work / "classes"
    plugin.mkdir()
    run_jdk("javac", "-cp", f"{home}/lib/*", "-d", str(classes), str(SECURITY_ANALYSIS))
    run_jdk("jar", "--create", "--file", str(plugin / f"{name}.jar"), "-C", str(classes), ".")
    descriptor = {
        "name": name, "classname": name, "version": "1", "description": "What the index of API keys is analysed with",
        "java.version": "17", "elasticsearch.version": ELASTICSEARCH_VERSION,
    }  # fmt: skip
    lines = "".join(f"{key}={value}\n" for key, value in descriptor.items())
    (plugin / "plugin-descriptor.properties").write_text(lines)
    return secured


def _maven(folder: Path, *arguments: str) -> None:
    maven = shutil.which("mvn")
    if maven is None:
        raise EnginesUnavailable("there is no Maven (mvn) on this machine; Debian's package is `maven`")
    java_home()
    try:
        done = subprocess.run(
            [maven, "-q", "-B", *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=MAVEN_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired as expired:
        raise EnginesUnavailable(f"Maven had no answer within {MAVEN_TIMEOUT_S} s") from expired
    if done.returncode:
        raise EnginesUnavailable(f"Maven could not resolve the engines: {(done.stdout + done.stderr)[-2000:]}")
