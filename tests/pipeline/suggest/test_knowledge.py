from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.ids import stable_id
from pipeline.ports import Point, Where
from pipeline.scenarios.load import shipped
from pipeline.scenarios.model import Document, Scenario
from pipeline.suggest.knowledge import LONGEST_PASSAGE, cut, load_knowledge
from pipeline.suggest.passages import passages_for
from pipeline.testing import InMemoryStore

PAGE = """Before any heading.

# Plans

Intro:

- one
- two

## Prices

| a | b |
|---|---|
| 1 | 2 |

## Terms ##
```
# no heading

still code
```
# Other
Last.
"""
EVERYWHERE = Where()


def test_passages_follow_headings_and_keep_lists_tables_and_code_whole() -> None:
    passages = [(passage.title, passage.text) for passage in cut(PAGE, source="s", title="Page")]
    assert passages == [
        ("Page", "Before any heading."),
        ("Plans", "Intro:\n\n- one\n- two"),
        ("Plans › Prices", "| a | b |\n|---|---|\n| 1 | 2 |"),  # noqa: RUF001 - the separator of title paths
        ("Plans › Terms", "```\n# no heading\n\nstill code\n```"),  # noqa: RUF001 - the separator of title paths
        ("Other", "Last."),
    ]


def test_a_heading_without_text_makes_no_passage() -> None:
    assert cut("# A\n\n## B\n", source="s", title="t") == []


def test_code_that_is_never_closed_goes_to_the_end() -> None:
    assert [passage.text for passage in cut("```\n# a\n\nb", source="s", title="t")] == ["```\n# a\n\nb"]


PARAGRAPHS = st.lists(st.integers(1, 900).map(lambda size: "x" * size), min_size=1, max_size=12)


@given(PARAGRAPHS)
def test_no_paragraph_is_ever_cut_and_none_is_lost(paragraphs: list[str]) -> None:
    passages = cut("\n\n".join(paragraphs), source="s", title="t")
    assert [part for passage in passages for part in passage.text.split("\n\n")] == paragraphs
    for passage in passages:
        assert len(passage.text) <= LONGEST_PASSAGE + 2 or "\n\n" not in passage.text


def with_page(text: str) -> Scenario:
    scenario = shipped("telecom")
    page = Document(name="extra", title="Extra", text=text)
    english = scenario.editions["en"].model_copy(update={"knowledge": (page,)})
    return scenario.model_copy(update={"editions": {"en": english}})


async def test_loading_again_writes_nothing() -> None:
    store = InMemoryStore()
    count = await load_knowledge(store, shipped("telecom"), "acme")
    before = dict(store.points["knowledge"])
    assert await load_knowledge(store, shipped("telecom"), "acme") == count == len(before)
    assert all(store.points["knowledge"][id_] is point for id_, point in before.items())


async def test_passages_that_are_gone_are_removed_and_others_stay() -> None:
    store = InMemoryStore()
    await load_knowledge(store, with_page("Old.\n\n# A\n\nKept."), "acme")
    await load_knowledge(store, with_page("Old."), "other")
    added = Point(stable_id("x", "1"), "Added.", {"tenant_id": "acme", "scenario": "telecom", "origin": "files"})
    await store.put("knowledge", [added])
    await load_knowledge(store, with_page("New.\n\n# A\n\nKept."), "acme")
    texts = sorted(point.text for point in store.points["knowledge"].values())
    assert texts == ["A\nKept.", "Added.", "Extra\nNew.", "Extra\nOld."]


async def test_passages_are_of_the_tenant_scenario_and_language_asked_for() -> None:
    store = InMemoryStore()
    await load_knowledge(store, shipped("telecom"), "acme")
    found = await passages_for(store, "day pass roaming", tenant_id="acme", scenario="telecom", language="en")
    assert len(found) == 2
    assert found[0].source == "telecom/en/roaming.md"
    assert await passages_for(store, "day pass", tenant_id="other", scenario="telecom", language="en") == ()
    chinese = await passages_for(store, "出行", tenant_id="acme", scenario="telecom", language="zh")
    assert {passage.source.split("/")[1] for passage in chinese} == {"zh"}


async def test_an_empty_knowledge_base_gives_no_passages() -> None:
    assert await passages_for(InMemoryStore(), "plan", tenant_id="t", scenario="s", language="en") == ()
