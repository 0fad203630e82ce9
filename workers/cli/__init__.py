"""The command line ``convmine``: one table of commands, each imported when it is used, so that ``--help`` is quick."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Mapping
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any, Final

import click

from workers.told_to_end import ending_when_told

if TYPE_CHECKING:
    from pipeline.errors import ConvmineError

_COMMANDS: Final[Mapping[str, str | Mapping[str, str]]] = {
    "aggregate": "workers.cli.questions.aggregate:aggregate",
    "ask": "workers.cli.questions.ask:ask",
    "audit": "workers.cli.audit:audit",
    "bench": "workers.cli.bench:bench",
    "calls": {
        "audio": "workers.cli.calls_export:call_audio",
        "erase": "workers.cli.calls_erase:erase_calls",
        "erasures": "workers.cli.calls_erase:list_erasures",
        "import-outcomes": "workers.cli.calls_import:import_outcomes",
        "list": "workers.cli.calls:list_calls",
        "show": "workers.cli.calls:show_call",
        "transcript": "workers.cli.calls_export:call_transcript",
    },
    "cards": {
        "approve": "workers.cli.cards_publish:approve_card",
        "edit": "workers.cli.cards_publish:edit_card",
        "list": "workers.cli.cards:list_cards",
        "withdraw": "workers.cli.cards_publish:withdraw_card",
    },
    "coach": "workers.cli.questions.coach:coach",
    "compare": "workers.cli.questions.compare:compare",
    "cost": "workers.cli.cost:cost",
    "dashboard": "workers.cli.dashboard:dashboard",
    "demo": "workers.cli.demo:demo",
    "discover": "workers.cli.discover:discover",
    "dlq": {
        "list": "workers.cli.dlq:list_letters",
        "replay": "workers.cli.dlq_replay:replay_letters",
        "show": "workers.cli.dlq_show:show_letter",
    },
    "doctor": "workers.cli.doctor:doctor",
    "eval": {
        "asr": "workers.cli.eval_asr:eval_asr",
        "guidance": "workers.cli.eval_guidance:eval_guidance",
        "intents": "workers.cli.eval_intents:eval_intents",
    },
    "export": "workers.cli.export:export",
    "fake-llm": "workers.cli.fake_llm:fake_llm",
    "finetune-export": "workers.cli.finetune_export:finetune_export",
    "flow": {
        "build": "workers.cli.flow_build:build_flow",
        "show": "workers.cli.flow_show:show_flow",
    },
    "gateway": "workers.cli.gateway:gateway",
    "kb": {
        "add": "workers.cli.kb_add:add_knowledge",
        "check": "workers.cli.kb_check:check_knowledge",
        "list": "workers.cli.kb:list_knowledge",
        "remove": "workers.cli.kb:remove_knowledge",
    },
    "keys": {
        "list": "workers.cli.keys:list_keys",
        "new": "workers.cli.keys:make_key",
        "revoke": "workers.cli.keys:revoke_key",
    },
    "labels": {
        "agreement": "workers.cli.labels:label_agreement",
        "export": "workers.cli.labels:export_labels",
        "import": "workers.cli.labels:import_labels",
    },
    "mcp": "workers.cli.mcp:mcp",
    "plan": "workers.cli.plan:plan",
    "prompt": {
        "backtest": "workers.cli.prompt_backtest:backtest_prompts",
        "diff": "workers.cli.prompt_show:diff_prompts",
        "label": "workers.cli.prompt_label:label_outputs",
        "list": "workers.cli.prompt_list:list_prompts",
        "matrix": "workers.cli.prompt_matrix:matrix",
        "promote": "workers.cli.prompt_publish:promote",
        "render": "workers.cli.prompt_render:render_prompt",
        "rollback": "workers.cli.prompt_publish:roll_back",
        "show": "workers.cli.prompt_show:show_prompt",
        "split": "workers.cli.prompt_publish:split",
        "try": "workers.cli.prompt_try:try_prompts",
    },
    "publish": {
        "live": "workers.cli.publish_live:publish_live",
        "recording": "workers.cli.publish:publish_recording",
        "samples": "workers.cli.publish_samples:publish_samples",
        "transcript": "workers.cli.publish:publish_transcript",
        "vcon": "workers.cli.publish_vcon:publish_vcon",
    },
    "query": "workers.cli.questions.query:query",
    "replay": "workers.cli.replay:replay",
    "reextract": "workers.cli.reextract:reextract",
    "retention": {
        "apply": "workers.cli.retention:apply_retention",
        "show": "workers.cli.retention:show_retention",
    },
    "scenario": {
        "list": "workers.cli.scenario:list_scenarios",
        "new": "workers.cli.scenario_new:new_scenario",
        "push": "workers.cli.scenario_push:push_scenario",
        "validate": "workers.cli.scenario:validate_scenario",
    },
    "schema": {
        "check": "workers.cli.schema:check_schemas",
        "export": "workers.cli.schema:export_schemas",
    },
    "search": "workers.cli.questions.search:search",
    "similar": "workers.cli.questions.similar:similar",
    "sql": "workers.cli.questions.sql:sql",
    "store": {
        "apply": "workers.cli.store_apply:apply_store",
        "move": "workers.cli.store_move:move_store",
    },
    "topics": {
        "acls": "workers.cli.topics_acls:acls_of_topics",
        "apply": "workers.cli.topics:apply_topics",
        "lag": "workers.cli.topics:lag_of_topics",
        "list": "workers.cli.topics:list_topics",
        "tail": "workers.cli.topics:tail_topic",
    },
    "trace": {
        "show": "workers.cli.trace:show_trace",
    },
    "trend": "workers.cli.questions.trend:trend",
    "vault": {
        "erase": "workers.cli.vault:erase",
        "log": "workers.cli.vault:log",
        "new-key": "workers.cli.vault:make_key",
        "show": "workers.cli.vault:show",
    },
    "worker": "workers.cli.worker:worker",
}
_SUMMARIES: Final[Mapping[str, str]] = {
    "aggregate": "Count calls; shares, win rates, handle times.",
    "ask": "Answer a question in plain words.",
    "audit": "Show who read or erased what.",
    "bench": "Measure what calls cost on this machine.",
    "calls": "List calls, show one, take its words and its sound.",
    "calls audio": "Write a call's recording with what is masked muted.",
    "calls erase": "Erase calls everywhere, with a receipt.",
    "calls erasures": "List the receipts of erasures.",
    "calls import-outcomes": "Take observed outcomes from a CRM's CSV.",
    "calls list": "List the calls that were mined.",
    "calls show": "Show one call: turns, intents, outcome, suggestions.",
    "calls transcript": "Print a call's words as txt, srt, vtt, json or vcon.",
    "cards": "Playbook cards: write, approve, withdraw them.",
    "cards approve": "Have a card shown from now on.",
    "cards edit": "Write a card, or change one, as a draft.",
    "cards list": "List the cards, and how they do.",
    "cards withdraw": "Have a card shown no more.",
    "coach": "Put an agent beside the best.",
    "compare": "Say in what two sets of calls differ.",
    "cost": "Say what language models used and cost.",
    "dashboard": "Serve the pages for sellers, supervisors and analysts.",
    "demo": "Run the whole pipeline here, on sample calls or your own.",
    "discover": "Find what callers say that no intent covers.",
    "dlq": "Look at dead letters, replay them.",
    "dlq list": "List dead letters, newest first.",
    "dlq replay": "Publish dead letters again, each once.",
    "dlq show": "Show one: why it died, and the original.",
    "doctor": "Say what is installed, reachable and configured.",
    "eval": "Measure recognition and extraction.",
    "eval asr": "Word and character error rates against references.",
    "eval guidance": "Next steps and their probabilities on held-out dialogues.",
    "eval intents": "Intent extraction on labelled files.",
    "export": "Write what is stored as Parquet, CSV, JSONL or vCon.",
    "fake-llm": "Serve a made-up language model, for tests.",
    "finetune-export": "Write chats for fine-tuning of what people accepted.",
    "flow": "The graph of how conversations go.",
    "flow build": "Make one of dialogues in a file.",
    "flow show": "Draw that of a scenario.",
    "gateway": "Take calls in and answer questions, over HTTP.",
    "kb": "The knowledge base: fill it, check it.",
    "kb add": "Add or renew files, folders and pages.",
    "kb check": "Find doubles, contradictions and what is never found.",
    "kb list": "List its documents and their versions.",
    "kb remove": "Take a document out.",
    "keys": "Make API keys, list and revoke them.",
    "keys list": "List the API keys.",
    "keys new": "Make one; it is shown once.",
    "keys revoke": "Make one open nothing any more.",
    "labels": "What people have said of extracted items.",
    "labels agreement": "How far people agree.",
    "labels export": "Write all labels as JSONL.",
    "labels import": "Take labels from JSONL, all or none.",
    "mcp": "Serve questions to an assistant as tools.",
    "plan": "Say what so many calls a day need, and what breaks first.",
    "prompt": "Look at prompts, try, test and change them.",
    "prompt backtest": "Compare two versions on many calls, field by field.",
    "prompt diff": "In what two versions differ.",
    "prompt label": "Judge what was extracted, item by item.",
    "prompt list": "List the versions of prompts, and which run.",
    "prompt matrix": "Make test inputs of parameter values.",
    "prompt promote": "Run a version from now on, if its back-test allows it.",
    "prompt render": "The messages about a call, as they would be sent.",
    "prompt rollback": "Run the version again that ran before.",
    "prompt show": "Print the file of a version.",
    "prompt split": "Compare two versions on live calls.",
    "prompt try": "Run versions on models, side by side.",
    "publish": "Publish recordings and conversations to Kafka.",
    "publish live": "Play a file as a live call.",
    "publish recording": "Announce a recording.",
    "publish samples": "Publish the calls that ship with convmine.",
    "publish transcript": "Publish a text conversation.",
    "publish vcon": "Publish the call in a vCon.",
    "query": "Filter extracted intents.",
    "replay": "Rebuild the store from what Kafka has.",
    "reextract": "Mine stored calls again; compare, switch, roll back.",
    "retention": "How long what is stored is kept.",
    "retention apply": "Remove what is older than the rules allow.",
    "retention show": "Which rules apply to what, and what is due.",
    "scenario": "Make scenarios, check and publish them.",
    "scenario list": "List the scenarios.",
    "scenario new": "Write a scenario to begin with.",
    "scenario push": "Publish a version, which workers take up.",
    "scenario validate": "Say all that is wrong with one.",
    "schema": "Export and check the wire contracts.",
    "schema check": "Fail on an incompatible change.",
    "schema export": "Write the JSON Schema files and the AsyncAPI document.",
    "search": "Search what was said, by meaning and by word.",
    "similar": "List the calls that are most like one.",
    "sql": "Ask SQL of calls, utterances, intents and costs.",
    "store": "Set the store up, change it, move it.",
    "store apply": "Make what is missing, and what settings changed.",
    "store move": "Bring local mode's store to a server.",
    "topics": "Create, list and watch topics.",
    "topics acls": "Print what each process may do on Kafka.",
    "topics apply": "Create the topics that are missing.",
    "topics lag": "How far each stage is behind.",
    "topics list": "List our topics.",
    "topics tail": "Print events as they come.",
    "trace": "Look at traces.",
    "trace show": "Show a trace of a file of spans, as text or as a picture.",
    "trend": "Say what is rising and what is falling.",
    "vault": "Look at what was masked, with the vault's key.",
    "vault erase": "Delete what is kept of a call.",
    "vault log": "Who looked at what, and when.",
    "vault new-key": "Make a key.",
    "vault show": "Show what was masked in a call; it is recorded.",
    "worker": "Run one stage, or all of them.",
}
_SERVICES: Final = frozenset({"worker", "gateway", "dashboard", "fake-llm"})
"""They run until they are told to end."""


class _LazyGroup(click.Group):
    """A group whose commands are imported when they are called for; their summaries stand in one table."""

    def __init__(self, table: Mapping[str, str | Mapping[str, str]], path: str = "", **rest: Any) -> None:  # noqa: ANN401 - click's own
        super().__init__(**rest)
        self._table = table
        self._path = path

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        entry = self._table.get(cmd_name)
        path = f"{self._path} {cmd_name}".strip()
        if entry is None:
            return None
        if isinstance(entry, str):
            module, _, name = entry.partition(":")
            command = getattr(importlib.import_module(module), name)
            assert isinstance(command, click.Command)
            return command
        return _LazyGroup(entry, path, name=cmd_name, help=_SUMMARIES[path])

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [(name, _SUMMARIES[f"{self._path} {name}".strip()]) for name in self.list_commands(ctx)]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


cli = _LazyGroup(
    _COMMANDS,
    name="convmine",
    help="Conversation mining: calls in, intents and suggestions out. Commands that answer have --json.",
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> None:
    """Run the command line: exit 0 when done, 1 when it failed, 2 when it was used wrongly; a worker has more."""
    from pipeline.errors import ConvmineError

    try:
        with nullcontext() if _SERVICES.isdisjoint(sys.argv[1:2]) else ending_when_told():
            status = cli.main(standalone_mode=False)  # click gives back what a command exits with
        sys.exit(status if isinstance(status, int) else 0)
    except click.Abort:
        sys.exit(130)
    except click.ClickException as error:
        if isinstance(error, click.UsageError):
            _complain("usage", error.format_message(), f"{error.ctx.command_path} --help" if error.ctx else None)
            sys.exit(2)
        _complain("failed", error.format_message(), None)
        sys.exit(1)
    except ConvmineError as error:
        complain(error)
        sys.exit(2 if _asks_wrongly(error) else 1)
    except ValueError as error:
        said = _refusal(error)
        if said is None:
            raise
        _complain("usage", said, None)
        sys.exit(2)


def _asks_wrongly(error: ConvmineError) -> bool:
    """Whether a question names a field that there is not, or a mark that is none."""
    from pipeline.questions.fields import NoField
    from pipeline.store.marks import NoMark

    return isinstance(error, NoField | NoMark)


def _refusal(error: ValueError) -> str | None:
    """What is wrong with a question that was refused as it was made, as by its limits."""
    from typing import get_args

    from pydantic import ValidationError

    from pipeline.questions.question import Question
    from pipeline.questions.refusal import refusal

    questions = {kind.__name__ for kind in get_args(Question)}
    return refusal(error) if isinstance(error, ValidationError) and error.title in questions else None


def complain(error: ConvmineError) -> None:
    """Say on standard error what happened and what to do, in one line."""
    _complain(type(error).__name__.lower(), error.message, error.hint)


def _complain(code: str, message: str, hint: str | None) -> None:
    if "--json" in sys.argv:
        body = {"code": code, "message": message, "hint": hint}
        click.echo(json.dumps({"error": body}, ensure_ascii=False), err=True)
    else:
        click.echo(f"convmine: {message}" + (f" ({hint})" if hint else ""), err=True)
