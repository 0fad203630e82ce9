"""``convmine finetune-export``: chats to fine-tune a model with, from what people have accepted."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json, print_table
from workers.cli.percent import Percent
from workers.cli.prompt_choice import choose

if TYPE_CHECKING:
    from pipeline.labels.finetune import Example, LeftOut, Recipe
    from pipeline.settings import Settings

_SPLITS = ("train", "validation")


@click.command("finetune-export")
@click.option("--out-dir", required=True, type=click.Path(file_okay=False, path_type=Path), help="Where both files go.")
@click.option("--scenario", help="Scenario of the calls; CONVMINE_EXTRACT_SCENARIO if not given.")
@click.option("--language", help="Language of the calls; the scenario's default if not given.")
@click.option("--prompt", help="The version that asks, such as extract.v2; the one that runs if not given.")
@click.option(
    "--validation",
    type=Percent(may_be_none=True),
    default="10%",
    show_default=True,
    help="Share of customers held back.",
)
@click.option("--min-labels", type=click.IntRange(1), default=1, show_default=True, help="People who judged each item.")
@json_option
def finetune_export(  # noqa: PLR0913 - one argument an option
    *,
    out_dir: Path,
    scenario: str | None,
    language: str | None,
    prompt: str | None,
    validation: float,
    min_labels: int,
    as_json: bool,
) -> None:
    """Write train.jsonl and validation.jsonl: a call a line, as the chat that its accepted answer makes with a prompt.

    A call is taken when every item that was extracted from it was judged (convmine prompt label); what was accepted,
    or added, by most people is in the answer. All calls of one customer are in one file.
    """
    from pipeline.labels.finetune import LeftOut, Recipe
    from pipeline.scenarios.prompt import PromptError
    from pipeline.settings import load

    settings = load()
    chosen = choose(settings, scenario, language)
    asks = chosen.prompt(prompt) if prompt else chosen.edition.prompt("extract")
    if asks is None or asks.answer != "findings":
        raise ConvmineError(
            f"no call is mined with {prompt or 'any prompt of this scenario'}", hint="name one: --prompt"
        )
    recipe = Recipe(chosen.scenario, chosen.edition, asks, settings.extract.chunk_tokens, min_labels)
    try:
        made = asyncio.run(_made(settings, recipe))
    except PromptError as error:
        raise ConvmineError(str(error)) from error
    splits = _split([one for one in made.values() if not isinstance(one, LeftOut)], validation)
    _write(out_dir, splits)
    left_out = Counter(one.value for one in made.values() if isinstance(one, LeftOut))
    counts = {name: len(splits[name]) for name in _SPLITS}
    if as_json:
        print_json({"prompt": asks.label, **counts, "left_out": dict(left_out), "out_dir": str(out_dir)})
        return
    held_back = f"{counts['train']} calls to train with and {counts['validation']} to validate with"
    click.echo(f"{asks.label}: wrote {held_back} to {plain(str(out_dir))}")
    if left_out:
        print_table(("left out", "because"), [(count, why) for why, count in left_out.most_common()])
    elif not made:
        click.echo("no call of this scenario and language was judged: convmine prompt label", err=True)


async def _made(settings: Settings, recipe: Recipe) -> dict[str, Example | LeftOut]:
    """What becomes of each call that was judged, by its id."""
    from pipeline.labels.finetune import LeftOut, example_of, judged_calls
    from pipeline.labels.stored_calls import stored_call
    from pipeline.workbench.places import open_workbench
    from workers.cli.recording import recorded_store_of

    workbench = open_workbench(settings)
    try:
        judged = judged_calls(await workbench.labels(settings.tenant), recipe)
    finally:
        await workbench.close()
    made: dict[str, Example | LeftOut] = {}
    async with recorded_store_of(settings, "finetune-export", calls=sorted(judged)) as store:
        for call_id, labels in sorted(judged.items()):
            call = await stored_call(store, settings.tenant, call_id)
            made[call_id] = LeftOut.GONE if call is None else example_of(call, labels, recipe)
    return made


def _split(examples: Iterable[Example], validation: float) -> dict[str, list[Example]]:
    from pipeline.labels.finetune import is_validation

    splits: dict[str, list[Example]] = {name: [] for name in _SPLITS}
    for one in examples:
        splits["validation" if is_validation(one.group, validation) else "train"].append(one)
    return splits


def _write(folder: Path, splits: Mapping[str, Sequence[Example]]) -> None:
    """Each file whole or not at all."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, examples in splits.items():
            lines = [json.dumps(one.row(), ensure_ascii=False) + "\n" for one in examples]
            begun = folder / f".{name}.jsonl.new"
            begun.write_text("".join(lines), encoding="utf-8")
            begun.replace(folder / f"{name}.jsonl")
    except OSError as error:
        raise ConvmineError(f"{folder} cannot be written: {error.strerror}") from error
