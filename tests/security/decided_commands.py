"""Of every command: whether it is of one tenant, and how that is tested, or why it is of the whole installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from two_tenants import BOTH


@dataclass(frozen=True)
class Asks:
    """A question: refused where calls of several tenants are stored, since only a gateway knows who asks.

    With that refusal taken out, it is answered of the tenant's own all the same; ``shows`` and ``repeats`` as in
    ``Own``.
    """

    arguments: str
    shows: bool = True
    repeats: bool = True


@dataclass(frozen=True)
class Own:
    """Of the tenant of CONVMINE_TENANT.

    ``shows`` says whether it shows something of it, or what else it shows of it alone; ``repeats`` whether it shows the
    same however often it is asked.
    """

    arguments: str
    shows: bool | str = True
    repeats: bool = True


@dataclass(frozen=True)
class Changes:
    """Changes what the tenant has, and tells it; tested in the order of this table."""

    arguments: str


@dataclass(frozen=True)
class Elsewhere:
    """Of a tenant; the test of this name shows it."""

    test: str


@dataclass(frozen=True)
class Whole:
    """Of the whole installation, and for who runs it: why that is right."""

    why: str


Decision = Asks | Own | Changes | Elsewhere | Whole
NO_CALLS: Final = Whole("it reads and changes nothing of calls: what it takes is in its arguments, or made up")
SERVES: Final = Whole("it serves all tenants; each request and each event says whose it is")
PUBLISHES: Final = Elsewhere("test_what_is_published_is_of_the_tenant_of_the_settings")
PUBLISHED: Final = Elsewhere("test_what_is_published_for_one_tenant_is_not_listed_or_changed_by_another")
LETTERS: Final = Elsewhere("test_dead_letters_of_a_tenant_are_those_of_no_other")
STATEMENT: Final = "'SELECT call_id, agent FROM calls ORDER BY 1, 2' --csv"

DECISIONS: Final[dict[str, Decision]] = {
    "aggregate": Asks("--by agent"),
    "ask": Asks("'How many calls were lost, by agent?'"),
    "audit": Own("", repeats=False),
    "bench": NO_CALLS,
    "calls audio": Asks(f"{BOTH} --recording {{folder}}/call.wav --out {{out}}/muted.wav", shows=False),
    "calls erase": Changes(f"{BOTH} --yes --reason {{word}}"),
    "calls erasures": Own("--json", repeats=False),
    "calls import-outcomes": Changes("{folder}/{word}.csv --store --json"),
    "calls list": Asks(""),
    "calls show": Asks(BOTH),
    "calls transcript": Asks(f"{BOTH} --format vcon"),
    "cards approve": PUBLISHED,
    "cards edit": PUBLISHED,
    "cards list": PUBLISHED,
    "cards withdraw": PUBLISHED,
    "coach": Asks("--agent {word}-agent-1"),
    "compare": Asks("--a agent={word}-agent-1 --b agent={word}-agent-0"),
    "cost": Own("--by prompt"),
    "dashboard": SERVES,
    "demo": Elsewhere("test_what_is_made_of_a_tenants_calls_is_the_same_with_a_stranger_between_them"),
    "discover": Asks("--json"),
    "dlq list": LETTERS,
    "dlq replay": LETTERS,
    "dlq show": Whole("a dead letter is named by its place in Kafka, which who runs the installation may read anyway"),
    "doctor": NO_CALLS,
    "eval asr": NO_CALLS,
    "eval guidance": NO_CALLS,
    "eval intents": NO_CALLS,
    "export": Asks("jsonl --out {out}/rows --rows calls,utterances,intents,suggestions,costs"),
    "fake-llm": NO_CALLS,
    "finetune-export": Own("--out-dir {out} --scenario telecom --language en"),
    "flow build": NO_CALLS,
    "flow show": Asks("--scenario telecom", shows=False),
    "gateway": SERVES,
    "kb add": Changes("{folder}/{word} --scenario telecom --by {word}"),
    "kb check": Own("--scenario telecom --since 2026-01-01 --json"),
    "kb list": Own(""),
    "kb remove": Changes("{word}/page.md"),
    "keys list": Whole("the key file is of who runs the gateway: the keys of all tenants, none of them readable"),
    "keys new": Whole("whoever can write the key file decides whose key it is"),
    "keys revoke": Whole("whoever can write the key file may close any door"),
    "labels agreement": Own("--show", shows=False),
    "labels export": Own(""),
    "labels import": Changes("{folder}/{word}.jsonl"),
    "mcp": Elsewhere("test_no_tool_of_an_assistant_tells_what_another_tenant_has"),
    "plan": NO_CALLS,
    "prompt backtest": Own("extract.v1 extract.v2 --on stored", shows="on 3 calls", repeats=False),
    "prompt diff": NO_CALLS,
    "prompt label": Own("--limit 3"),
    "prompt list": NO_CALLS,
    "prompt matrix": Own(f"extract.v2 --call {BOTH}"),
    "prompt promote": PUBLISHED,
    "prompt render": Own(f"extract.v2 --call {BOTH}"),
    "prompt rollback": PUBLISHED,
    "prompt show": NO_CALLS,
    "prompt split": PUBLISHED,
    "prompt try": Own(f"extract.v2 --call {BOTH} --json", repeats=False),
    "publish live": PUBLISHES,
    "publish recording": PUBLISHES,
    "publish samples": PUBLISHES,
    "publish transcript": PUBLISHES,
    "publish vcon": PUBLISHES,
    "query": Asks("--of utterances"),
    "reextract": Elsewhere("test_a_re_extraction_is_told_to_and_ended_by_no_other_tenant"),
    "reextract compare": Elsewhere("test_a_re_extraction_is_told_to_and_ended_by_no_other_tenant"),
    "reextract drop": Elsewhere("test_a_re_extraction_is_told_to_and_ended_by_no_other_tenant"),
    "reextract roll-back": Elsewhere("test_a_re_extraction_is_told_to_and_ended_by_no_other_tenant"),
    "reextract switch": Elsewhere("test_a_re_extraction_is_told_to_and_ended_by_no_other_tenant"),
    "replay": Whole("it rebuilds the store from Kafka, each event as what its own envelope says"),
    "retention apply": Elsewhere("test_a_rule_for_one_tenant_removes_nothing_of_another"),
    "retention show": Whole("the file of rules is of the installation; it counts, and names tenants"),
    "scenario list": NO_CALLS,
    "scenario new": NO_CALLS,
    "scenario push": PUBLISHED,
    "scenario validate": NO_CALLS,
    "schema check": NO_CALLS,
    "schema export": NO_CALLS,
    "search": Asks("plan", repeats=False),
    "similar": Asks("{word}-1", repeats=False),
    "sql": Asks(STATEMENT),
    "store apply": Whole("collections hold the points of all tenants; none is shown, and each stays whose it is"),
    "store move": Whole("it copies all points as they are, to a server that who runs it names"),
    "topics acls": NO_CALLS,
    "topics apply": NO_CALLS,
    "topics lag": Whole("it counts what waits for each stage, of all tenants together, and names nothing"),
    "topics list": NO_CALLS,
    "topics tail": Whole("it prints what Kafka holds, for who has the credentials to read it"),
    "trace show": Whole("a file of spans names calls by digests, which hold the tenant; it has no words"),
    "trend": Asks("--by agent --period day --since 2026-02-20 --until 2026-03-20 --json", shows=False),
    "vault erase": Changes("{word}-2"),
    "vault log": Own("", repeats=False),
    "vault new-key": NO_CALLS,
    "vault show": Own(BOTH),
    "worker": SERVES,
}
