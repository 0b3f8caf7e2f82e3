"""Imports go one way, and the base install is the agent: fresh interpreters, ruff and the declaration agree."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from tests.conftest import ROOT

SERVER_ONLY = {
    "clew_collector",
    "clew_query",
    "elasticsearch",
    "fastapi",
    "httpx",
    "luqum",
    "numpy",
    "tantivy",
    "uvicorn",
}


def modules_of(package: Path) -> list[str]:
    """Return the names of a package's modules, without the one that runs when it is imported."""
    root = next(parent for parent in (package, *package.parents) if not (parent / "__init__.py").exists())
    files = sorted(file for file in package.rglob("*.py") if file.name != "__main__.py")
    names = [file.relative_to(root).with_suffix("").parts for file in files]
    return [".".join(name[:-1] if name[-1] == "__init__" else name) for name in names]


def loaded_by(*modules: str) -> set[str]:
    """Return the names of all modules that a fresh interpreter has after importing these."""
    code = "import importlib, json, sys\nfor name in sys.argv[1:]: importlib.import_module(name)\n"
    done = subprocess.run(
        [sys.executable, "-c", code + "print(json.dumps(sorted(sys.modules)))", *modules],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    return set(json.loads(done.stdout))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_no_module_of_the_agent_imports_anything_of_the_server() -> None:
    modules = modules_of(ROOT / "agent" / "clew_agent")
    assert len(modules) > 40
    loaded = loaded_by(*modules)
    assert set(modules) <= loaded
    assert packages(loaded) & SERVER_ONLY == set()


def test_the_collector_imports_nothing_of_the_query_side() -> None:
    loaded = loaded_by(*modules_of(ROOT / "collector" / "clew_collector"))
    assert "clew_agent" in loaded
    assert "clew_query" not in packages(loaded)


def test_the_wire_stands_on_nothing_else_of_clew() -> None:
    loaded = loaded_by(*modules_of(ROOT / "agent" / "clew_agent" / "wire"))
    ours = {name for name in loaded if name.startswith("clew_") and not name.startswith("clew_agent.wire")}
    assert ours == {"clew_agent", "clew_agent.errors"}
    assert packages(loaded) & {"pydantic", "structlog", "click", "asyncio"} == set()


def test_a_running_agent_loads_kafkas_client_only_for_kafka() -> None:
    assert "aiokafka" not in packages(loaded_by("clew_agent.commands"))


@pytest.mark.parametrize(
    ("folder", "imported", "refused"),
    [
        ("agent/clew_agent", "clew_collector", True),
        ("agent/clew_agent", "clew_query", True),
        ("agent/clew_agent", "fastapi", True),
        ("agent/clew_agent", "tantivy", True),
        ("agent/clew_agent", "elasticsearch", True),
        ("agent/clew_agent", "numpy", True),
        ("agent/clew_agent", "msgspec", False),
        ("collector/clew_collector", "clew_query", True),
        ("collector/clew_collector", "clew_agent", False),
        ("query/clew_query", "clew_collector", False),
    ],
)
def test_ruff_refuses_imports_that_go_the_other_way(folder: str, imported: str, refused: bool) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--select=TID251", "--stdin-filename", f"{folder}/x.py", "-"],
        input=f"import {imported}\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
    )
    assert ("TID251" in done.stdout, done.returncode) == (refused, int(refused)), done.stderr


def test_the_base_install_declares_nothing_of_the_server() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base = {requirement.split(">=")[0] for requirement in project["dependencies"]}
    assert base & SERVER_ONLY == set()
    adr = (ROOT / "docs" / "adr" / "0006-dependencies.md").read_text()
    assert [name for name in sorted(base) if name.split("-exporter")[0] not in adr] == []
