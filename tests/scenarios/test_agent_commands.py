"""The agent's smaller commands from outside: `try` and `install`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def clew(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "clew_agent", "agent", *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=cwd,
        env={**os.environ, "NO_COLOR": "1"},
    )


class TestTry:
    def test_what_each_line_becomes(self, tmp_path: Path) -> None:
        (tmp_path / "app.log").write_text(f'{{"trace_id":"{TRACE}"}}\nX-Request-ID: checkout-7f3a\n')
        done = clew("try", "app.log", "--json", cwd=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        tried = json.loads(done.stdout)
        assert [(line["origin"], line["aliases"]) for line in tried["lines"]] == [
            ("line", []),
            ("alias", ["checkout-7f3a"]),
        ]
        assert tried["lines"][0]["transaction_id"] == TRACE
        shown = clew("try", "app.log", cwd=tmp_path)
        assert "2 lines: 1 line, 1 alias" in shown.stdout
        assert [path.name for path in tmp_path.iterdir()] == ["app.log"]

    def test_what_cannot_be_tried_is_an_error_with_a_hint(self, tmp_path: Path) -> None:
        done = clew("try", "missing.log", "--json", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert "missing.log cannot be read: No such file or directory" in done.stderr
        assert "hint: " in done.stderr
        (tmp_path / "bad.yaml").write_text("sources: []\nserver: ftp://x\n")
        (tmp_path / "app.log").write_text("x\n")
        done = clew("try", "app.log", "--config", "bad.yaml", cwd=tmp_path)
        assert done.returncode == 1
        assert "sources: " in done.stderr
        assert "server: " in done.stderr


class TestInstall:
    def test_a_dry_run_shows_unit_and_commands_and_changes_nothing(self, tmp_path: Path) -> None:
        config = tmp_path / "agent.yaml"
        config.write_text("sources: [{paths: [/var/log/shop/*.log]}]\ndata: /var/lib/clew-agent\n")
        # A service does not see /tmp, where tests have their files; a path is judged as it is written.
        place = Path("/proc/self/cwd/agent.yaml")
        done = clew("install", "--config", place, "--dry-run", cwd=tmp_path)
        if Path(sys.executable).is_relative_to("/tmp"):
            assert (done.returncode, done.stdout) == (1, "")
            assert "a service does not see" in done.stderr
            return
        assert (done.returncode, done.stderr) == (0, "")
        assert f"agent run --config {place}\n" in done.stdout
        assert "# /etc/systemd/system/clew-agent.service:\n" in done.stdout
        assert "# systemctl daemon-reload\n# systemctl enable --now clew-agent.service\n" in done.stdout

    def test_the_configuration_is_validated_first(self, tmp_path: Path) -> None:
        (tmp_path / "agent.yaml").write_text("sources: [{paths: [relative]}]\ndata: /srv/x\n")
        done = clew("install", "--config", "agent.yaml", "--dry-run", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert "sources.0.paths: " in done.stderr

    def test_what_would_not_work_as_a_service_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "agent.yaml").write_text("sources: [{paths: [/var/log/*.log]}]\ndata: /srv/x\n")
        done = clew("install", "--config", "agent.yaml", "--dry-run", cwd=tmp_path)
        assert (done.returncode, done.stdout) == (1, "")
        assert "data: /srv/x must be a plain path beneath /var/lib" in done.stderr

    def test_a_configuration_must_be_named(self, tmp_path: Path) -> None:
        done = clew("install", cwd=tmp_path)
        assert done.returncode == 1
        assert "--config FILE" in done.stderr
