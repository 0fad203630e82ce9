"""Every name that a page tells somebody to type or to look up is one that the code has."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final

import click
import pytest
from doc_pages import DOCS, ROOT, blocks

from pipeline.settings import PREFIX, Settings
from pipeline.settings.secret_files import SUFFIX, secret_variables
from pipeline.stages import TOPICS
from schemas.registry import PAYLOADS
from workers.cli import cli

PAGES: Final = sorted(
    path for where in (".", "docs/**", "clients/*") for path in ROOT.glob(f"{where}/*.md") if path.stem != "CHANGELOG"
)
INVENTED: Final = {
    "add-a-stage.md": {"promises", "pipeline/promises/stage.py", "tests/pipeline/promises/test_promises_stage.py"},
    "add-an-extractor.md": {"pipeline/extract/literal.py", "tests/pipeline/extract/test_literal.py"},
    "add-an-asr-engine.md": {"pipeline/asr/engine_ours.py", "tests/pipeline/asr/test_engine_ours.py"},
    "deploy-compose.md": {"deploy/compose/convmine.env", "deploy/compose/qdrant.env"},
}
"""What a page has its reader make."""
OF_TESTS: Final = {"CONVMINE_VENV", "CONVMINE_CHAOS_SEED", "CONVMINE_CHAOS_FAUST", "CONVMINE_FUZZ_SEED"}
"""Variables that scripts and tests read, and no process of ours."""
SHELL: Final = frozenset({"|", ">", ">>", "<", "&", "&&", "||", ";", "2>&1"})
GIVEN: Final = (str, int, list, tuple)
"""What the command line makes of a value that was given."""
LEFT_OUT: Final = frozenset({"…", "...", "S", "L"})
"""What stands on a page for words of the reader's own."""


@cache
def settings() -> frozenset[str]:
    secrets = {name + SUFFIX for name in secret_variables(Settings, PREFIX)}
    page = (DOCS / "configuration.md").read_text(encoding="utf-8")
    return frozenset(secrets | set(re.findall(r"^\| `(CONVMINE_\w+)`", page, re.MULTILINE)) | OF_TESTS)


def unknown_settings(text: str) -> Iterator[str]:
    """Variables that no process reads; one that ends with an underscore stands for all that begin with it."""
    for name in re.findall(r"\bCONVMINE_[A-Z0-9_]*", text):
        if not (any(one.startswith(name) for one in settings()) if name.endswith("_") else name in settings()):
            yield name


def typed(page: Path) -> Iterator[str]:
    """Each command of ours in a block that is typed."""
    for block in blocks(page, "sh", "bash", "console"):
        for line in re.sub(r"\\\n\s*", "", block.code).splitlines():
            if found := re.search(r"(?:^|[;&|(]\s*|\w=\S*\s|-- |run --rm cli )(?:convmine|cli)\s.*", line):
                yield re.sub(r"^.*?\b(?=(?:convmine|cli)\s)", "", found[0])


def mentioned(page: Path) -> Iterator[str]:
    """Each command of ours between backticks in the text, which may leave words out."""
    text = re.sub(r"^ *```.*?^ *```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    yield from (" ".join(found.split()) for found in re.findall(r"`(convmine\s[^`]+)`", text))


def fault_of(command: str, *, whole: bool = False) -> str | None:
    """Why the command line would refuse it before it does anything; what the reader fills in is passed over.

    Args:
        command: as it stands on a page.
        whole: it says all that it needs, too.
    """
    words = shlex.split(command, comments=True)[1:]
    whole = whole and not LEFT_OUT & set(words) and "--help" not in words
    words = words[: next((at for at, word in enumerate(words) if word in SHELL | LEFT_OUT), None)]
    at: click.Command = cli
    while isinstance(at, click.Group) and words and not words[0].startswith("-"):
        found = at.get_command(click.Context(at), words[0])
        if found is None:
            return f"there is no {words[0]}"
        at, words = found, words[1:]
    if isinstance(at, click.Group):
        return None
    context = click.Context(at)
    try:
        values, rest, _ = at.make_parser(context).parse_args(args=list(words))
        for parameter in at.params:
            if isinstance(parameter.type, click.Choice) and (given := values.get(parameter.name or "")):
                for one in given if isinstance(given, list | tuple) else [given]:
                    if isinstance(one, str):
                        parameter.type.convert(one, parameter, context)
    except click.BadOptionUsage as error:
        return None if "requires an argument" in error.message else error.message
    except click.UsageError as error:
        return error.format_message()
    wanting = [one.name for one in at.params if one.required and not isinstance(values.get(one.name or ""), GIVEN)]
    return f"takes no {rest[0]}" if rest else f"needs {wanting[0]}" if wanting and whole else None


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_page_names_no_command_setting_metric_topic_or_file_that_is_not_there(page: Path) -> None:
    text, invented = page.read_text(encoding="utf-8"), INVENTED.get(page.name, set())
    refused = {one: fault for one in typed(page) if (fault := fault_of(one, whole=True))}
    refused |= {one: fault for one in mentioned(page) if (fault := fault_of(one))}
    assert {one: fault for one, fault in refused.items() if not any(word in fault for word in invented)} == {}
    assert list(unknown_settings(text)) == []
    assert [name for name in metrics_in(text) if name not in metrics()] == []
    assert [name for name in topics_in(text) if name not in topics()] == []
    assert [name for name in files_in(text) if name not in invented and not (ROOT / name).exists()] == []


@cache
def metrics() -> frozenset[str]:
    """Those of the page that is compared with the code, and what Prometheus makes of histograms."""
    rows = re.findall(r"^\| `([a-z_]+)` \|", (DOCS / "metrics.md").read_text(encoding="utf-8"), re.MULTILINE)
    return frozenset(name + end for name in rows for end in ("", "_bucket", "_sum", "_count"))


def metrics_in(text: str) -> list[str]:
    """Names of metrics; those with a colon before them are recording rules, ``convmine_client`` is a package."""
    return [name for name in re.findall(r"(?<![:\w/])convmine_[a-z_]+", text) if name != "convmine_client"]


@cache
def topics() -> frozenset[str]:
    return frozenset({topic.name for topic in TOPICS} | set(PAYLOADS))


def topics_in(text: str) -> list[str]:
    """Names of topics and events, by how they begin."""
    return re.findall(r"`((?:calls?|sales|config|privacy|suggestions?|intent|transcript)\.[a-z]+(?:\.[a-z]+)*)`", text)


def files_in(text: str) -> list[str]:
    """Files and folders of the repository; one with a name in capitals stands for others."""
    rooms = "scripts|tests|pipeline|workers|schemas|deploy|benchmarks|docs|clients|requirements"
    return [
        name for name in re.findall(rf"`((?:{rooms})/[\w./-]+)`", text) if not re.search("NAME|Convmine[A-Z]", name)
    ]


def test_what_is_looked_for_is_found() -> None:
    """So that the test above can fail, and does so for what is wrong alone."""
    assert fault_of("convmine topics delete") == "there is no delete"
    assert fault_of("convmine topics lag --lanes live") is not None
    assert fault_of("convmine worker nothing") is not None
    assert fault_of("convmine calls list more") == "takes no more"
    assert fault_of("convmine worker asr --lane live | less") is None
    assert fault_of("convmine topics acls --process …") is None
    assert list(unknown_settings("CONVMINE_ASR_ENGINES CONVMINE_NOTHING_ CONVMINE_ASR_ENGINE_FILE")) == [
        "CONVMINE_ASR_ENGINES",
        "CONVMINE_NOTHING_",
        "CONVMINE_ASR_ENGINE_FILE",
    ]
    assert list(unknown_settings("CONVMINE_ASR_ENGINE CONVMINE_ASR_… CONVMINE_LLM_API_KEY_FILE")) == []
    assert metrics_in("rate(convmine_none_total[5m]) / stage:convmine_lag:sum") == ["convmine_none_total"]
    assert topics_in("`calls.nothing` and `pipeline.py`") == ["calls.nothing"]
    assert files_in("`scripts/none` and `pipeline/NAME/x.py`") == ["scripts/none"]
    assert fault_of("convmine kb check", whole=True) == "needs scenario"
    assert fault_of("convmine kb check") is None
    assert sum(len([*typed(page), *mentioned(page)]) for page in PAGES) > 350
