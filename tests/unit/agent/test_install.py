"""`clew agent install`: what is planned, what is done to a machine, and what is refused."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.conftest import skip_or_fail

from clew_agent.config import AgentSettings
from clew_agent.errors import InstallFailed, SettingsError
from clew_agent.install import Host, plan_install, plan_uninstall
from clew_agent.settings import parse_settings
from clew_agent.unit import UNIT_NAME, render_unit

CONFIG = Path("/etc/clew/agent.yaml")
PROGRAM = ("/opt/clew/bin/clew",)


def settings_of(**more: object) -> AgentSettings:
    data = {"sources": [{"paths": ["/var/log/shop/*.log"]}], "data": "/var/lib/clew-agent", **more}
    return AgentSettings.model_validate(data)


def unit_of(settings: AgentSettings | None = None, *, config: Path = CONFIG, program: Sequence[str] = PROGRAM) -> str:
    return render_unit(settings or settings_of(), config=config, program=program)


class Machine:
    """A root directory and a systemctl that fails when told to."""

    def __init__(self, root: Path, *, booted: bool = True) -> None:
        self.commands: list[str] = []
        self.fails = ""
        (root / "etc/systemd/system").mkdir(parents=True)
        if booted:
            (root / "run/systemd/system").mkdir(parents=True)
        self.host = Host(root=root, run=self._run)

    def _run(self, command: Sequence[str]) -> None:
        self.commands.append(" ".join(command))
        if self.fails and self.fails in self.commands[-1]:
            raise InstallFailed("no", hint="")


class TestUnit:
    def test_it_runs_this_program_with_this_configuration(self) -> None:
        assert "\nExecStart=/opt/clew/bin/clew agent run --config /etc/clew/agent.yaml\n" in unit_of()

    def test_it_starts_again_for_ever_and_stops_within_its_time(self) -> None:
        unit = unit_of(settings_of(shutdown_flush_s=40))
        assert "\nRestart=always\n" in unit
        assert "\nStartLimitIntervalSec=0\n" in unit
        assert "\nTimeoutStopSec=60\n" in unit

    def test_its_state_is_the_agents_directory(self) -> None:
        assert "\nStateDirectory=clew-agent\n" in unit_of()
        assert "\nStateDirectory=clew/agent\n" in unit_of(settings_of(data="/var/lib/clew/agent"))

    def test_it_may_read_everything_and_write_only_its_state(self) -> None:
        lines = unit_of().splitlines()
        assert {"DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes"} <= set(lines)
        assert [line for line in lines if "Capabilit" in line] == [
            "AmbientCapabilities=CAP_DAC_READ_SEARCH",
            "CapabilityBoundingSet=CAP_DAC_READ_SEARCH",
        ]
        assert not [line for line in lines if line.startswith("ReadWritePaths")]

    def test_its_memory_grows_with_what_may_be_in_flight(self) -> None:
        assert "\nMemoryMax=200M\n" in unit_of()
        assert "\nMemoryMax=448M\n" in unit_of(settings_of(in_flight_bytes_max=64 << 20))

    @pytest.mark.parametrize(
        ("path", "written"),
        [
            ("/etc/clew/a b.yaml", '"/etc/clew/a b.yaml"'),
            ("/etc/clew/100%.yaml", '"/etc/clew/100%%.yaml"'),
            ("/etc/clew/$HOME.yaml", '"/etc/clew/$$HOME.yaml"'),
            ('/etc/clew/a"b.yaml', '"/etc/clew/a\\"b.yaml"'),
            ("/etc/clew/a\\b.yaml", '"/etc/clew/a\\\\b.yaml"'),
            ("/etc/clew/a;b.yaml", '"/etc/clew/a;b.yaml"'),
        ],
    )
    def test_what_a_unit_would_obey_is_quoted(self, path: str, written: str) -> None:
        assert f"--config {written}\n" in unit_of(config=Path(path))

    @given(st.text(st.characters(exclude_characters="\n\0", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
    def test_no_name_adds_a_line(self, name: str) -> None:
        assert unit_of(config=Path("/etc") / f"x{name}").count("\n") == unit_of().count("\n")

    def test_systemd_takes_it(self, tmp_path: Path) -> None:
        verify = shutil.which("systemd-analyze")
        if verify is None:
            skip_or_fail("there is no systemd-analyze on this machine", required_by="CLEW_REQUIRE_SYSTEMD")
        # It looks for the program; any that is there will do.
        unit = tmp_path / UNIT_NAME
        unit.write_text(unit_of(config=Path("/etc/a b%$.yaml"), program=(shutil.which("true") or "/bin/true",)))
        done = subprocess.run([str(verify), "verify", unit], capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, "")


class TestRefusal:
    @pytest.mark.parametrize(
        "data", ["/srv/clew", "/var/lib", "/var/lib/private/clew", "/var/lib/../x", "/var/lib/a b"]
    )
    def test_a_state_that_systemd_does_not_keep(self, data: str) -> None:
        with pytest.raises(SettingsError, match="beneath /var/lib"):
            plan_install(settings_of(data=data), config=CONFIG, program=PROGRAM)

    def test_every_path_that_the_service_would_not_see_is_named(self) -> None:
        settings = settings_of(sources=[{"paths": ["/tmp/a.log", "/var/log/b.log"]}, {"paths": ["/var/tmp/*.log"]}])
        with pytest.raises(SettingsError) as caught:
            plan_install(settings, config=Path("/tmp/agent.yaml"), program=("/tmp/venv/bin/clew",))
        assert [problem.split(":")[0] for problem in caught.value.problems] == [
            "program",
            "config",
            "sources",
            "sources",
        ]
        assert caught.value.hint

    def test_a_machine_without_systemd(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path, booted=False)
        with pytest.raises(InstallFailed, match="systemd does not run this machine") as caught:
            machine.host.carry_out(plan_install(settings_of(), config=CONFIG, program=PROGRAM))
        assert "--dry-run" in caught.value.hint
        assert (machine.commands, machine.host.installed) == ([], False)

    def test_a_place_that_cannot_be_written(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path)
        (tmp_path / "etc/systemd/system").rmdir()
        with pytest.raises(InstallFailed, match="cannot be changed"):
            machine.host.carry_out(plan_install(settings_of(), config=CONFIG, program=PROGRAM))
        assert machine.commands == []


class TestMachine:
    def test_the_unit_is_there_before_it_is_enabled_and_started(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path)
        machine.host.carry_out(plan_install(settings_of(), config=CONFIG, program=PROGRAM))
        assert machine.host.unit_path.read_text() == unit_of()
        assert machine.commands == ["systemctl daemon-reload", f"systemctl enable --now {UNIT_NAME}"]

    def test_over_an_older_one_it_is_started_anew(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path)
        machine.host.unit_path.write_text("old")
        plan = plan_install(settings_of(), config=CONFIG, program=PROGRAM, installed=machine.host.installed)
        machine.host.carry_out(plan)
        assert machine.host.unit_path.read_text() == unit_of()
        assert machine.commands[-1] == f"systemctl restart {UNIT_NAME}"

    def test_what_fails_is_not_carried_on(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path)
        machine.fails = "daemon-reload"
        with pytest.raises(InstallFailed):
            machine.host.carry_out(plan_install(settings_of(), config=CONFIG, program=PROGRAM))
        assert machine.commands == ["systemctl daemon-reload"]

    def test_uninstalled_it_is_stopped_first_and_gone(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path)
        machine.host.unit_path.write_text(unit_of())
        machine.host.carry_out(plan_uninstall())
        assert not machine.host.installed
        assert machine.commands == [f"systemctl disable --now {UNIT_NAME}", "systemctl daemon-reload"]

    def test_it_stays_while_it_cannot_be_stopped(self, tmp_path: Path) -> None:
        machine = Machine(tmp_path)
        machine.host.unit_path.write_text(unit_of())
        machine.fails = "disable"
        with pytest.raises(InstallFailed):
            machine.host.carry_out(plan_uninstall())
        assert machine.host.installed

    def test_a_command_that_is_not_there_or_fails_says_so(self, tmp_path: Path) -> None:
        Machine(tmp_path)
        host = Host(root=tmp_path)
        for command, said in ((("no-such-program",), "there is no such program"), (("false",), "it ended with 1")):
            plan = plan_uninstall()
            with pytest.raises(InstallFailed, match=said):
                host.carry_out(type(plan)(None, (command,), ()))


def test_the_example_of_the_readme_can_be_installed() -> None:
    text = (Path(__file__).parents[3] / "README.md").read_text()
    example = text[text.index("server: http://collector.example") :].split("EOF")[0]
    plan_install(parse_settings(example, AgentSettings), config=CONFIG, program=PROGRAM)
