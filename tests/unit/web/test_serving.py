"""How the page's files are served: under a strict policy, for ever where the path names the content."""

from __future__ import annotations

import re

import httpx
import pytest
from fastapi import FastAPI

from clew_query.web import mount_web


@pytest.fixture
async def client():
    app = FastAPI()
    mount_web(app)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://clew") as connected:
        yield connected


def static_of(page: str) -> str:
    found = re.search(r'src="(/static/[0-9a-f]+)/app\.js"', page)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("path", ["/", "/t/4bf92f3577b34da6a3ce929d0e0e4736", "/t/a%2Fb", "/alerts", "/agents"])
async def test_the_page_is_asked_for_anew_and_allows_its_own_files_only(client, path):
    answer = await client.get(path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-cache"
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    again = await client.get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


async def test_files_are_kept_for_ever_under_a_path_that_names_their_content(client):
    static = static_of((await client.get("/")).text)
    for name, kind in {
        "app.js": "text/javascript",
        "style.css": "text/css",
        "vendor/preact.mjs": "text/javascript",
    }.items():
        answer = await client.get(f"{static}/{name}")
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(kind)
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "name", ["%2e%2e/mount.py", "%2e%2e%2fmount.py", "vendor/README.md", "index.html", "none.js", ""]
)
async def test_nothing_else_is_served(client, name):
    static = static_of((await client.get("/")).text)
    answer = await client.get(f"{static}/{name}")
    assert answer.status_code == 404
    assert "def mount_web" not in answer.text


async def test_files_of_another_version_are_not_mixed_in(client):
    assert (await client.get("/static/0123456789abcdef/app.js")).status_code == 404


async def test_every_import_of_the_page_is_there_and_is_its_own(client):
    """Walk the modules as the browser does: relative paths only, each one answered."""
    static = static_of((await client.get("/")).text)
    waiting, seen = ["app.js"], set()
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        answer = await client.get(f"{static}/{name}")
        assert answer.status_code == 200, name
        for target in re.findall(r'(?:^|;|\})(?:import|export)\b[^"\n;]*?from ?"([^"]+)"', answer.text, re.MULTILINE):
            assert target.startswith("./"), f"{name} imports {target}"
            folder = name.rpartition("/")[0]
            waiting.append(f"{folder}/{target[2:]}" if folder else target[2:])
    assert {"search.js", "waterfall.js", "vendor/uplot.mjs", "vendor/htm.mjs", "vendor/preact-hooks.mjs"} <= seen
