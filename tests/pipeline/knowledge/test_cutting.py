from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipeline.knowledge.cutting import LONGEST_PASSAGE, cut

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
