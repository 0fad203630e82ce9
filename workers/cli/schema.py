"""``convmine schema``: write the contracts to files, and refuse to let a released one break."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

import schemas
from pipeline.errors import ConvmineError
from pipeline.stages import FAILED, STAGES, TOPICS, Stage
from schemas.asyncapi import StageFacts, TopicFacts, asyncapi
from schemas.export import Document, json_schemas, render
from schemas.release import EXPORT, Finding, Problem, findings
from workers.cli.output import json_option, print_json

_HOME: Final = Path(schemas.__file__).parent
_ASYNCAPI: Final = "asyncapi.json"
# The version of the document of the contracts, raised with any of them; packages have their own.
_CONTRACTS: Final = "1.0.0"


@click.command(name="export")
@click.option(
    "--to",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=_HOME,
    show_default="the schemas package",
    help="Where to write asyncapi.json and json/*.json.",
)
@click.option("--unreleased", is_flag=True, help="Write over files that no release has shipped, compatible or not.")
@json_option
def export_schemas(folder: Path, *, unreleased: bool, as_json: bool) -> None:
    """Write the JSON Schema files and the AsyncAPI document.

    A file that is there is a released contract: it is only written over by a compatible version.
    """
    generated = json_schemas()
    if not unreleased:
        broken = [finding for finding in findings(_released(folder), generated) if finding.breaks_a_release]
        if broken:
            _report(broken, checked=len(generated), as_json=as_json)
            raise ConvmineError(
                f"{_count(broken)} changed as a released one must not; nothing was written",
                hint="the lines on standard output say what to do; --unreleased writes all the same",
            )
    texts = {Path("json") / name: render(document) for name, document in generated.items()}
    texts[Path(_ASYNCAPI)] = render(_topology())
    written = [path for path, text in texts.items() if _write(folder / path, text)]
    if as_json:
        print_json({"written": [str(path) for path in written], "unchanged": len(texts) - len(written)})
    else:
        click.echo(f"{len(written)} of {len(texts)} files written to {folder}, the others were up to date")


@click.command(name="check")
@click.option(
    "--against",
    "folder",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=None,
    help=f"A folder that '{EXPORT} --to' wrote, for example of the last release. A compatible difference passes.",
)
@json_option
def check_schemas(folder: Path | None, *, as_json: bool) -> None:
    """Fail when a contract has changed in a way that breaks readers, or when the files are not up to date."""
    generated = json_schemas()
    released = _released(folder or _HOME)
    if not released:
        raise ConvmineError(
            f"{folder or _HOME} holds no contracts in json/", hint=f"{EXPORT} --to writes such a folder"
        )
    found = findings(released, generated)
    if folder is None:
        found += _stale_topology(_HOME / _ASYNCAPI)
    else:
        found = [finding for finding in found if finding.breaks_a_release]
    _report(found, checked=len(generated), as_json=as_json)
    if found:
        raise ConvmineError(f"{_count(found)} failed the check", hint=found[0].fix)


def _topology() -> Document:
    """The AsyncAPI document of the topology as pipeline/stages.py has it."""
    public = (topic for topic in TOPICS if not topic.internal)
    topics = [TopicFacts(topic.name, topic.events, topic.compacted, topic.retention_ms) for topic in public]
    return asyncapi(topics, [_facts(stage) for stage in STAGES], version=_CONTRACTS)


def _facts(stage: Stage) -> StageFacts:
    """The stage as its runtime runs it: it reports failures, and sets aside what it cannot handle."""
    set_aside = tuple(stage.dead_letters(topic) for topic in stage.reads)
    writes = (*stage.writes, FAILED, *set_aside)
    return StageFacts(stage.name, stage.lane, stage.group, stage.bound_by, stage.reads, writes)


def _released(folder: Path) -> dict[str, Document]:
    return {path.name: _read(path) for path in sorted((folder / "json").glob("*.json"))}


def _read(path: Path) -> Document:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConvmineError(f"{path} cannot be read: {error}", hint="restore it from version control") from error
    if not isinstance(document, dict):
        raise ConvmineError(f"{path} is no JSON Schema", hint="restore it from version control")
    return document


def _stale_topology(path: Path) -> Iterator[Finding]:
    if not path.exists():
        yield Finding(_ASYNCAPI, Problem.MISSING, (), f"run {EXPORT}")
    elif _read(path) != _topology():
        yield Finding(_ASYNCAPI, Problem.STALE, (), f"run {EXPORT}")


def _write(path: Path, text: str) -> bool:
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


def _report(found: list[Finding], *, checked: int, as_json: bool) -> None:
    if as_json:
        items = [
            {"file": one.file, "problem": one.problem, "changes": list(one.changes), "fix": one.fix} for one in found
        ]
        print_json({"ok": not found, "checked": checked, "items": items, "next": None})
        return
    if not found:
        click.echo(f"{checked} contracts checked: all as released")
    for one in found:
        click.echo(f"{one.file}: {one.problem.replace('_', ' ')}; {one.fix}")
        for change in one.changes:
            click.echo(f"  {change}")


def _count(found: list[Finding]) -> str:
    return "1 contract" if len(found) == 1 else f"{len(found)} contracts"
