"""What one tenant has is nothing to another, in every command of the command line.

Each command has its decision in ``decided_commands``; one without is found, so that a new command comes with its own.
Commands of a tenant are run for both tenants of an installation (``two_tenants``) and must hold nothing of the other's
words, in what they print and in the files that they write. Those that show something must show the tenant's own word,
which proves that the case shows anything at all. What another tenant has is the same after all commands that change
something.
"""

from __future__ import annotations

import io
import json
import re
import shlex
import shutil
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import click
import pytest
from decided_commands import DECISIONS, Asks, Changes, Elsewhere, Own
from mined_store import Convmine, Done
from two_tenants import BOTH, WORDS, keep, kept, settings_of

from workers import kafka_clients
from workers.cli import cli
from workers.cli.questions import asking
from workers.fake_llm import Served, serve

TENANTS: Final = tuple(WORDS)
_CHANGES: Final = re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.]+(Z|\+00:00)?|\d+\.\d+ ?s\b|\"(seconds|built_at)\": [\d.\"]+")
"""What differs from one run to the next."""


def commands(group: click.Group, path: str = "") -> Iterator[str]:
    """Every command that does something by itself."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield f"{path}{name}"
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")


def test_every_command_has_a_decision() -> None:
    assert set(commands(cli)) == set(DECISIONS)


def test_every_test_that_a_decision_names_is_here() -> None:
    named = {one.test for one in DECISIONS.values() if isinstance(one, Elsewhere)}
    text = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [one for one in sorted(named) if f"def {one}(" not in text] == []


@dataclass(frozen=True)
class Installation:
    """An installation in a folder, and the command line in front of it."""

    folder: Path
    convmine: Convmine
    patch: pytest.MonkeyPatch

    def run(self, tenant: str, command: str, arguments: str = "") -> Done:
        """One command of somebody of this tenant; what it writes into its ``{out}`` is what it prints, too."""
        out = self.folder.parent / f"{self.folder.name}-{tenant}-out"
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir()
        self.patch.setenv("CONVMINE_TENANT", tenant)
        self.patch.setattr("sys.stdin", io.StringIO("s\n" * 60))
        for name, value in settings_of(self.folder).items():
            self.patch.setenv(name, value)
        said = {"word": WORDS[tenant], "folder": str(self.folder), "out": str(out)}
        done = self.convmine(*command.split(), *(one.format(**said) for one in shlex.split(arguments)))
        files = [path.read_text("utf-8", errors="replace") for path in sorted(out.rglob("*")) if path.is_file()]
        printed = "\n".join([done.stdout, *files]).replace(str(out), "OUT").replace(str(self.folder), "HERE")
        return Done(done.code, printed, done.stderr.replace(str(out), "OUT"))

    def told(self, tenant: str, command: str, arguments: str) -> str:
        """What it says where all goes well."""
        done = self.run(tenant, command, arguments)
        assert done.code == 0, (command, done.stderr)
        return done.stdout + done.stderr


def others(tenant: str) -> str:
    """The word of the other tenant."""
    (word,) = (WORDS[other] for other in TENANTS if other != tenant)
    return word


def plain(told: str) -> str:
    """Without what differs each time."""
    return _CHANGES.sub("…", told)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """An installation of both tenants, and one of the first alone; tests that change something take a copy."""
    full, alone = (tmp_path_factory.mktemp(name) / "kept" for name in ("full", "alone"))
    for folder, tenants in ((full, TENANTS), (alone, TENANTS[:1])):
        folder.mkdir()
        keep(folder, tenants)
        for tenant in TENANTS:
            _write_files(folder, tenant)
    return full, alone


def _write_files(folder: Path, tenant: str) -> None:
    """What commands of this tenant are given."""
    word = WORDS[tenant]
    (folder / f"{word}.csv").write_text(f"call_id,result,observed_at\n{word}-1,won,2026-03-05\n")
    (folder / word).mkdir()
    (folder / word / "page.md").write_text(f"# {word}\n\nThe {word} plan costs thirty dollars.\n")


@pytest.fixture
def here(convmine: Convmine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[Path], Installation]:
    """Runs commands on the installation in a folder."""
    monkeypatch.setattr(kafka_clients, "BOOTSTRAP_MS", 10)
    monkeypatch.chdir(tmp_path)
    return lambda folder: Installation(folder, convmine, monkeypatch)


@pytest.fixture
def model(convmine: Convmine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Served]:
    """A language model that answers by rule."""
    del convmine  # it empties the environment first
    with serve() as server:
        monkeypatch.setenv("CONVMINE_LLM_BASE_URL", server.base_url)
        yield server


@contextmanager
def asked_by_all() -> Iterator[None]:
    """Without the refusal of a store with calls of several tenants."""

    async def nobody_is_refused(store: object) -> None:
        del store

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asking, "refuse_several_tenants", nobody_is_refused)
        yield


def asks() -> dict[str, Asks]:
    return {name: one for name, one in DECISIONS.items() if isinstance(one, Asks)}


@pytest.mark.usefixtures("model")
def test_questions_are_refused_where_calls_of_several_tenants_are_stored(
    folders: tuple[Path, Path], here: Callable[[Path], Installation]
) -> None:
    it = here(folders[0])
    for name, case in asks().items():
        done = it.run("acme", name, case.arguments)
        assert (done.code, "calls of several tenants are stored here" in done.stderr) == (1, True), (name, done)
        assert others("acme") not in done.stdout + done.stderr, name


@pytest.mark.usefixtures("model")
def test_what_a_tenant_is_told_is_of_its_own(
    folders: tuple[Path, Path], here: Callable[[Path], Installation], tmp_path: Path
) -> None:
    full, alone = (Path(shutil.copytree(folder, tmp_path / name)) for folder, name in zip(folders, "ab", strict=True))
    _prepare(here(full))
    _prepare(here(alone), TENANTS[:1])
    with asked_by_all():
        for name, case in DECISIONS.items():
            if isinstance(case, Asks | Own):
                for tenant in TENANTS:
                    told = here(full).told(tenant, name, case.arguments)
                    assert others(tenant) not in told, (name, tenant)
                    shown = WORDS[tenant] if case.shows is True else case.shows or ""
                    assert shown in told, (name, tenant, told)
                    if tenant == "acme" and case.repeats:
                        same = here(alone).told(tenant, name, case.arguments)
                        assert plain(told) == plain(same), name


def _prepare(it: Installation, tenants: tuple[str, ...] = TENANTS) -> None:
    """Documents, an erasure and a look into the vault of each tenant, and a recording."""
    with wave.open(str(it.folder / "call.wav"), "wb") as file:
        file.setparams((1, 2, 8_000, 0, "NONE", ""))
        file.writeframes(bytes(16_000))
    for tenant in tenants:
        it.told(tenant, "kb add", "{folder}/{word} --scenario telecom --by {word}")
        it.told(tenant, "calls erase", "{word}-gone --yes --reason {word}")
        it.told(tenant, "vault show", "{word}-1")


def test_what_one_tenant_changes_changes_nothing_of_another(
    folders: tuple[Path, Path], here: Callable[[Path], Installation], tmp_path: Path
) -> None:
    full = Path(shutil.copytree(folders[0], tmp_path / "full"))
    it = here(full)
    _prepare(it)
    for tenant in TENANTS:
        (full / f"{WORDS[tenant]}.jsonl").write_text(it.told(tenant, "labels export", ""), encoding="utf-8")
    before, at_first = kept(full, "umbrella"), kept(full, "acme")
    for name, case in DECISIONS.items():
        if isinstance(case, Changes):
            assert others("acme") not in it.told("acme", name, case.arguments), name
    assert kept(full, "umbrella") == before
    now = kept(full, "acme")
    assert {"calls", "intents", "utterances"} <= {name.partition("/")[0] for name in set(at_first) - set(now)}
    assert now[f"vault/{BOTH}"] == now[f"vault/{WORDS['acme']}-2"] == ()
    refused = it.run("acme", "labels import", "{folder}/tortoise.jsonl")
    assert (refused.code, "is of tenant 'umbrella'" in refused.stderr) == (1, True)
    gone = it.run("acme", "kb remove", f"{others('acme')}/page.md")
    assert (gone.code, "there is no document" in gone.stderr) == (1, True)


@pytest.mark.usefixtures("model")
def test_a_re_extraction_is_told_to_and_ended_by_no_other_tenant(
    folders: tuple[Path, Path], here: Callable[[Path], Installation], tmp_path: Path
) -> None:
    it = here(Path(shutil.copytree(folders[0], tmp_path / "full")))
    it.patch.setenv("CONVMINE_EXTRACT_EXTRACTOR", "llm")
    begun = f"--since 2026-01-01 --call {BOTH} --call {WORDS['acme']}-1 --prompt extract.v2 --yes --json"
    assert json.loads(it.told("acme", "reextract", begun))["mined_again"] == 2
    before = kept(it.folder, "acme")
    for arguments in ("compare", "switch", "roll-back", "drop --yes", "--since 2026-01-01 --dry-run", ""):
        done = it.run("umbrella", "reextract", arguments)
        assert (done.code, "another tenant's calls are being mined again" in done.stderr) == (1, True), arguments
        assert others("umbrella") not in done.stdout + done.stderr
    assert kept(it.folder, "acme") == before
    theirs = kept(it.folder, "umbrella")
    assert f"{WORDS['acme']}-1" in it.told("acme", "reextract compare", "")
    for command in ("switch", "roll-back", "switch", "drop"):
        assert others("acme") not in it.told("acme", f"reextract {command}", "")
        assert kept(it.folder, "umbrella") == theirs, command


def test_a_rule_for_one_tenant_removes_nothing_of_another(
    folders: tuple[Path, Path], here: Callable[[Path], Installation], tmp_path: Path
) -> None:
    it = here(Path(shutil.copytree(folders[0], tmp_path / "full")))
    rules = [f"{{kind: {kind}, tenant: acme, keep: 30d}}" for kind in ("transcripts", "labels", "calls")]
    (tmp_path / "rules.yaml").write_text("rules:\n" + "".join(f"  - {rule}\n" for rule in rules))
    before = kept(it.folder, "umbrella")
    assert "acme" in it.told("umbrella", "retention apply", f"--rules {tmp_path}/rules.yaml")
    assert kept(it.folder, "umbrella") == before
    assert not [name for name in kept(it.folder, "acme") if name.startswith(("calls/", "utterances/"))]
