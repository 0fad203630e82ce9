"""``convmine prompt matrix``: values of parameters as a batch of test inputs, each a conversation with its messages."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from pipeline.errors import ConvmineError
from workers.cli.output import json_option, plain, print_json
from workers.cli.prompt_choice import (
    Chosen,
    call_named,
    call_or_sample,
    choose,
    language_option,
    scenario_option,
)

if TYPE_CHECKING:
    from pipeline.scenarios.prompt import Prompt
    from pipeline.settings import Settings
    from pipeline.workbench.matrix import Value
    from pipeline.workbench.written_calls import WrittenTurn
    from schemas.transcript import TranscriptCompleted

_MOST: Final = 100_000
"""Test inputs without --limit: more than anybody pays for by intent."""
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_TURNS: Final = "turns"

Dialogue = Sequence["WrittenTurn"]
Converse = Callable[[Mapping[str, "Value"]], Dialogue]
"""The conversation of a combination of values."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """The values of each parameter, and the conversation that they are about."""

    values: Mapping[str, Sequence[Value]]
    converse: Converse


@click.command("matrix")
@click.argument("prompt")
@click.option(
    "--set",
    "given",
    multiple=True,
    metavar="NAME=A,B,...",
    help="Values of a parameter, as in CSV. turns=TEXT is one dialogue, turns=@FILE.json one call; both may repeat.",
)
@click.option("--values", "path", type=_FILE, help="YAML with a list of values for each name; --set goes before it.")
@click.option("--template", type=_FILE, help="A dialogue with {{ names }} in it: lines agent: ... and customer: ...")
@click.option(
    "--call", metavar="FILE|ID", help="The call of all inputs, where no turns are given. A sample if not set."
)
@click.option("--limit", type=click.IntRange(min=1), help="Draw so many of all combinations, every value among them.")
@click.option("--seed", type=int, default=1, show_default=True, help="With --limit: which ones are drawn.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="File to write; otherwise it is printed.")
@scenario_option
@language_option
@json_option
def matrix(  # noqa: PLR0913 - one argument an option
    *,
    prompt: str,
    given: tuple[str, ...],
    path: Path | None,
    template: Path | None,
    call: str | None,
    limit: int | None,
    seed: int,
    out: Path | None,
    scenario: str | None,
    language: str | None,
    as_json: bool,
) -> None:
    """Make test inputs for the version PROMPT: one for each combination of values, as JSON lines.

    Values are of parameters that the prompt declares, of `turns`, or of names in a --template. `convmine prompt try
    --on` and `convmine prompt backtest --on` read the lines.
    """
    from pipeline.settings import load
    from pipeline.workbench.matrix import expanded, left_out, size

    settings = load()
    named = call_named(settings, call) if call else None
    chosen = choose(settings, scenario, language, named)
    found = chosen.prompt(prompt)
    written = _written(given, path)
    if sum((template is not None, _TURNS in written, call is not None)) > 1:
        raise click.UsageError("give one of --template, --set turns=... and --call", click.get_current_context())
    plan = _plan(
        written,
        found,
        _read(template),
        lambda: call_or_sample(settings, named, chosen),
        lambda text: _dialogue(text, settings),
    )
    total = size(plan.values)
    if limit is None and total > _MOST:
        raise ConvmineError(f"these are {total} test inputs", hint="draw some of them with --limit")
    combinations = list(expanded(plan.values, limit=limit, seed=seed))
    said = {"inputs": len(combinations), "of": total, "left_out": left_out(plan.values, combinations)}
    rows = _rows(combinations, plan.converse, found, chosen)
    if out is not None:
        _write(out, rows)
        said["out"] = str(out)
    if as_json:
        print_json(said if out is not None else {"items": list(rows), **said})
        return
    if out is None:
        for row in rows:
            click.echo(json.dumps(row, ensure_ascii=False))
    _report(said)


def _report(said: Mapping[str, Any]) -> None:
    where = f" to {said['out']}" if "out" in said else ""
    click.echo(f"wrote {said['inputs']} of {said['of']} combinations{where}", err="out" not in said)
    for name, values in said["left_out"].items():
        click.echo(f"the limit leaves out {len(values)} values of {name}, such as {plain(str(values[0]))}", err=True)


def _rows(
    combinations: Sequence[Mapping[str, Value]], converse: Converse, prompt: Prompt, chosen: Chosen
) -> Iterator[dict[str, Any]]:
    from pipeline.scenarios.prompt import PromptError
    from pipeline.workbench.dialogue import DialogueError
    from pipeline.workbench.inputs import input_row

    for parameters in combinations:
        try:
            yield input_row(prompt, chosen.scenario, chosen.edition, parameters, converse(parameters))
        except (PromptError, DialogueError) as error:
            raise ConvmineError(str(error)) from error


def _write(out: Path, rows: Iterator[dict[str, Any]]) -> None:
    try:
        with out.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    except OSError as error:
        raise ConvmineError(f"{out} cannot be written: {error.strerror}") from error


def _written(given: Sequence[str], path: Path | None) -> dict[str, list[Any]]:
    """The values by name, as they are written: texts of the options, whatever YAML says of the file."""
    options: dict[str, list[Any]] = {}
    for one in given:
        name, equals, text = one.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--set {one}: expected NAME=A,B,...", click.get_current_context())
        options.setdefault(name, []).extend([text] if name == _TURNS else next(csv.reader([text]), [""]))
    return {**(_of_yaml(path) if path else {}), **options}


def _of_yaml(path: Path) -> dict[str, list[Any]]:
    import yaml

    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConvmineError(f"{path} is no YAML: {' '.join(str(error).split())}") from error
    if not isinstance(document, dict):
        raise ConvmineError(f"{path}: expected a list of values for each name, such as 'plan: [small, large]'")
    values = {str(name): given if isinstance(given, list) else [given] for name, given in document.items()}
    for name, listed in values.items():
        if not listed or not all(isinstance(value, str | int | float | bool) for value in listed):
            raise ConvmineError(f"{path}: {name}: expected a list of texts or numbers")
    return values


def _read(template: Path | None) -> str | None:
    try:
        return None if template is None else template.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConvmineError(f"{template} cannot be read: {error}") from error


def _plan(
    written: Mapping[str, Sequence[Any]],
    prompt: Prompt,
    template: str | None,
    call: Callable[[], TranscriptCompleted],
    read: Callable[[str], Dialogue],
) -> _Plan:
    """What there is to be combined.

    Args:
        written: the values.
        prompt: declares them.
        template: of a dialogue, or uses them.
        call: of all inputs, where neither a template nor values of turns are given.
        read: the turns of a value of ``turns``.
    """
    from pipeline.workbench.dialogue import DialogueError, dialogue_of, variables_in
    from pipeline.workbench.matrix import each_once
    from pipeline.workbench.parameters import ParameterError, check_declared, own_parameters, typed

    try:
        used = () if template is None else variables_in(template)
        check_declared(written, {*own_parameters(prompt), *used, _TURNS}, _where(prompt, template))
        _check_all_given(used, written, prompt)
        values = {
            name: each_once([typed(name, one, prompt) if isinstance(one, str) else one for one in given])
            for name, given in written.items()
        }
        dialogues = {text: read(str(text)) for text in values.get(_TURNS, ())}
    except (ParameterError, DialogueError) as error:
        raise ConvmineError(str(error)) from error
    if template is not None:
        return _Plan(values, lambda parameters: dialogue_of(template, {**prompt.defaults, **parameters}))
    if dialogues:
        return _Plan(values, lambda parameters: dialogues[parameters[_TURNS]])
    turns = _turns(call())
    return _Plan(values, lambda _: turns)


def _where(prompt: Prompt, template: str | None) -> str:
    return prompt.label if template is None else f"{prompt.label} or used in the template"


def _check_all_given(used: Collection[str], written: Collection[str], prompt: Prompt) -> None:
    if missing := sorted(set(used) - set(written) - set(prompt.defaults)):
        raise ConvmineError(
            f"the template uses {', '.join(missing)}, and no value is given", hint=f"--set {missing[0]}=A,B,..."
        )


def _dialogue(text: str, settings: Settings) -> Dialogue:
    """The turns of a value: of a file, or as they are written, where backslash and n may end a line."""
    from pipeline.workbench.dialogue import read_dialogue

    if text.startswith("@"):
        return _turns(call_named(settings, text[1:]))
    return read_dialogue(text.replace("\\n", "\n"))


def _turns(call: TranscriptCompleted) -> Dialogue:
    from pipeline.workbench.written_calls import WrittenTurn

    return tuple(
        WrittenTurn(role=one.role, text=one.text, start_ms=one.start_ms, end_ms=one.end_ms) for one in call.segments
    )
