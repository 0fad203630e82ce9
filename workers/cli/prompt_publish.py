"""``convmine prompt promote``, ``rollback`` and ``split``: say which version of a prompt runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json
from workers.cli.percent import Percent
from workers.cli.prompt_desk import Asked, Named, VersionName, asks, desk

if TYPE_CHECKING:
    from pipeline.release.standing import Standing
    from schemas.reference import PromptPublished

_EXTRACT: Final = "extract"
_SEE: Final = "workers take it up without a restart; to see it: convmine prompt list --running"


@click.command("promote")
@click.argument("version", type=VersionName())
@asks(promotes=True)
@json_option
def promote(version: Named, asked: Asked, *, as_json: bool) -> None:
    """Run VERSION, such as extract.v2, from now on; a split ends.

    Refused unless its newest back-test against what runs shows no field worse by more than the margin.
    """
    from pipeline.release.succession import promoted

    prompt, number = version
    with desk(asked) as open_desk:
        standing = open_desk.prompts.standing(prompt)
        candidate = standing.version(number)
        if standing.record is not None and standing.running.number == number:
            _tell(standing, standing.record, as_json=as_json)
            return
        objection = open_desk.objection(standing, candidate)
        record = promoted(standing, candidate, asked.signature(objection))
        open_desk.prompts.publish(record)
    _tell(standing, record, objection=objection, as_json=as_json)


@click.command("rollback")
@click.argument("prompt", required=False)
@click.option("--to", type=VersionName(), help="Go back to this version, such as extract.v1.")
@asks(promotes=False)
@json_option
def roll_back(prompt: str | None, to: Named | None, asked: Asked, *, as_json: bool) -> None:
    """Run the version of PROMPT (extract if not given) that ran before again; a split ends.

    Done once more it goes back further, and never to what was rolled back itself. Where nothing ran before, the next
    older file runs.
    """
    from pipeline.release.succession import rolled_back

    if prompt and to and prompt != to[0]:
        raise click.UsageError(f"{to[0]}.v{to[1]} is no version of {prompt}")
    with desk(asked) as open_desk:
        standing = open_desk.prompts.standing(prompt or (to[0] if to else _EXTRACT))
        record = rolled_back(standing, asked.signature(), to[1] if to else None)
        open_desk.prompts.publish(record)
    _tell(standing, record, as_json=as_json)


@click.command("split")
@click.argument("versions", type=VersionName(), nargs=-1, metavar="[VERSION CHALLENGER]")
@click.option("--share", type=Percent(), help="Share of the calls for the challenger, such as 10%.")
@click.option("--end", is_flag=True, help="Take the challenger away.")
@asks(promotes=True)
@json_option
def split(versions: tuple[Named, ...], share: float | None, asked: Asked, *, end: bool, as_json: bool) -> None:
    """Run VERSION, and CHALLENGER for a share of the calls: always the same one for the same call.

    VERSION is what runs, else it is promoted, as by convmine prompt promote. The challenger needs no back-test; to run
    it for all calls, promote it.
    """
    prompts = {prompt for prompt, _ in versions}
    if end:
        if share is not None or len(prompts) > 1:
            raise click.UsageError("--end takes away the challenger of one prompt, and has no --share")
        _end(next(iter(prompts), None), asked, as_json=as_json)
    elif share is not None and len(versions) == 2 and len(prompts) == 1:  # noqa: PLR2004 - the version and its challenger
        _begin(versions[0], versions[1], share, asked, as_json=as_json)
    else:
        raise click.UsageError("name two versions of one prompt and their --share, or --end")


def _begin(version: Named, challenger: Named, share: float, asked: Asked, *, as_json: bool) -> None:
    from pipeline.release.succession import split

    with desk(asked) as open_desk:
        standing = open_desk.prompts.standing(version[0])
        candidate, beside = standing.version(version[1]), standing.version(challenger[1])
        runs = standing.record is not None and standing.running.number == candidate.number
        objection = None if runs else open_desk.objection(standing, candidate)
        record = split(standing, candidate, beside, share, asked.signature(objection))
        open_desk.prompts.publish(record)
    _tell(standing, record, objection=objection, as_json=as_json)


def _end(prompt: str | None, asked: Asked, *, as_json: bool) -> None:
    from pipeline.release.succession import unsplit

    with desk(asked) as open_desk:
        if prompt is None:
            there = open_desk.prompts.split_prompts()
            if len(there) > 1:
                example = f"convmine prompt split {there[0]}.v1 --end{asked.options}"
                raise ConvmineError(f"{' and '.join(there)} are split: name one of them, as in {example}")
            prompt = there[0] if there else _EXTRACT
        standing = open_desk.prompts.standing(prompt)
        record = unsplit(standing, asked.signature())
        open_desk.prompts.publish(record)
    _tell(standing, record, as_json=as_json)


def _tell(standing: Standing, record: PromptPublished, *, objection: str | None = None, as_json: bool) -> None:
    """Say what runs now, and what has changed."""
    changed = record is not standing.record
    if as_json:
        print_json(_document(standing, record, objection, changed=changed))
        return
    label, where = f"{record.prompt}.v{record.prompt_version}", f"in {record.scenario} ({record.language})"
    if not changed:
        click.echo(f"{label} runs {where} already: nothing was published{_beside(record)}")
        return
    left = standing.running
    instead = "" if left.number == record.prompt_version else f" instead of {left.label}"
    click.echo(f"{label} runs {where} now{instead}{_beside(record)}{_ended(standing, record)}")
    if objection is not None:
        click.echo(plain(f"passed over: {objection}"))
    click.echo(_SEE)


def _beside(record: PromptPublished) -> str:
    if (challenger := record.challenger) is None:
        return ""
    return f", and {record.prompt}.v{challenger.prompt_version} for {challenger.share * 100:g} % of the calls"


def _ended(standing: Standing, record: PromptPublished) -> str:
    before = standing.record.challenger if standing.record else None
    if before is None or record.challenger is not None:
        return ""
    return f"; the split with {record.prompt}.v{before.prompt_version} has ended"


def _document(
    standing: Standing, record: PromptPublished, objection: str | None, *, changed: bool
) -> dict[str, object]:
    challenger = record.challenger
    return {
        "changed": changed,
        "scenario": record.scenario,
        "language": record.language,
        "prompt": record.prompt,
        "version": record.prompt_version,
        "before": standing.running.number,
        "challenger": challenger and {"version": challenger.prompt_version, "share": challenger.share},
        "by": record.published_by,
        "at": record.published_at.isoformat(),
        "reason": record.reason,
        "passed_over": objection,
    }
