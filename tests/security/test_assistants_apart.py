"""What one tenant has is nothing to the assistant of another: every tool of ``convmine mcp``, asked by both tenants."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from two_tenants import BOTH, WORDS, keep, settings_of

from pipeline.questions.answering import KINDS, StoredAnswers
from pipeline.questions.asker import Asker
from pipeline.questions.question import Rows
from pipeline.settings import Settings, load
from pipeline.store.connections import Folder
from pipeline.store.embedding.registry import HashingEncoder, InThread
from pipeline.store.qdrant import QdrantStore
from workers.cli.questions.asking import answers_of
from workers.mcp.server import WhenAsked, server_of
from workers.mcp.tools import VOCABULARY

ARGUMENTS: dict[str, dict[str, Any]] = {
    "search": {"text": "plan"},
    "query": {"of": "utterances"},
    "aggregate": {"by": ["agent"]},
    "compare": {
        "a": [{"field": "agent", "values": ["{word}-agent-0"]}],
        "b": [{"field": "agent", "values": ["{word}-agent-1"]}],
    },
    "trend": {"by": "agent"},
    "similar": {"call": BOTH},
    "coach": {"agent": "{word}-agent-1"},
    "flow": {"scenario": "telecom"},
    "call": {"call": BOTH},
    "transcript": {"call": BOTH},
}
"""What each tool is called with; one without is found."""
SAYS_NOTHING = {"flow", "trend"}
"""What these two tell of so few calls has no words in it."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("both")
    keep(made, tuple(WORDS))
    return made


def said_by(word: str, arguments: Any) -> Any:
    """The arguments with a tenant's word in them."""
    if isinstance(arguments, dict):
        return {name: said_by(word, one) for name, one in arguments.items()}
    if isinstance(arguments, list):
        return [said_by(word, one) for one in arguments]
    return arguments.format(word=word) if isinstance(arguments, str) else arguments


async def test_no_tool_of_an_assistant_tells_what_another_tenant_has(folder: Path) -> None:
    kinds = {str(kind.model_fields["kind"].default) for kind in KINDS if kind is not Rows}
    store = QdrantStore(Folder(folder / "qdrant"), InThread(HashingEncoder()))
    await store.prepare()
    told: dict[tuple[str, str], str] = {}
    try:
        for tenant, word in WORDS.items():
            async with Client(server_of(StoredAnswers(store, Asker(tenant)))) as client:
                assert {tool.name for tool in (await client.list_tools()).tools} == {*kinds, VOCABULARY}
                assert set(ARGUMENTS) == kinds
                for name, arguments in ARGUMENTS.items():
                    result = await client.call_tool(name, said_by(word, arguments))
                    assert not result.is_error, (name, result)
                    told[tenant, name] = result.model_dump_json()
                for other in set(WORDS.values()) - {word}:
                    for name in ("call", "transcript", "similar"):
                        unknown = await client.call_tool(name, {"call": f"{other}-1"})
                        assert unknown.is_error
                        assert not re.findall(rf"{other}(?!-1\b)", unknown.model_dump_json()), "nor is a near name told"
    finally:
        await store.close()
    for (tenant, name), shown in told.items():
        assert not [word for of, word in WORDS.items() if of != tenant and word in shown], (tenant, name)
        assert WORDS[tenant] in shown or name in SAYS_NOTHING, (tenant, name)


async def test_an_assistant_has_nothing_but_tools(folder: Path) -> None:
    del folder
    stored = StoredAnswers(None, Asker("acme"))  # type: ignore[arg-type]  # no store is asked for a list of pages
    async with Client(server_of(stored)) as client:
        for ask in (client.list_resources, client.list_resource_templates, client.list_prompts):
            with pytest.raises(MCPError):
                await ask()


async def test_where_calls_of_several_tenants_are_stored_an_assistant_is_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {**settings_of(folder), "CONVMINE_TENANT": "acme"}.items():
        monkeypatch.setenv(name, value)
    settings: Settings = load()
    from contextlib import AsyncExitStack

    async with AsyncExitStack() as until:
        server = server_of(WhenAsked(partial(answers_of, settings, "mcp"), until))
        async with Client(server) as client:
            refused = await client.call_tool("query", {"of": "calls"})
    assert refused.is_error
    assert "calls of several tenants are stored here" in refused.model_dump_json()
