"""What of the installation works: each part, the stages that need it, and what to do where it does not."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Final, Literal

from pipeline.errors import ConvmineError
from pipeline.settings import Settings
from pipeline.stages import STAGES

State = Literal["ok", "missing", "unused", "broken"]
_EVERY: Final = tuple(dict.fromkeys(stage.name for stage in STAGES))
_WITH_STORE: Final = ("suggest", "recap", "index")


@dataclass(frozen=True, slots=True)
class Finding:
    """One part of the installation.

    ``unused`` is not there and not needed by what is configured; ``broken`` is there and does not do what it is for.
    """

    part: str
    state: State
    detail: str
    stages: tuple[str, ...] = ()
    fix: str = ""


def diagnose(settings: Settings) -> list[Finding]:
    """Look at every part that the settings name, and at the optional ones."""
    return [
        *_packages(settings),
        *_programs(),
        _kafka(settings),
        _claims(settings),
        _store(settings),
        *_models(settings),
    ]


@dataclass(frozen=True, slots=True)
class _Package:
    name: str
    module: str
    extra: str
    stages: tuple[str, ...]
    needed: Callable[[Settings], bool]


_PACKAGES = (
    _Package("pocketsphinx", "pocketsphinx", "local", ("asr",), lambda s: s.asr.engine == "pocketsphinx"),
    _Package("openai-whisper", "whisper", "whisper", ("asr",), lambda s: s.asr.engine == "whisper"),
    _Package(
        "faster-whisper", "faster_whisper", "faster-whisper", ("asr",), lambda s: s.asr.engine == "faster-whisper"
    ),
    _Package("scikit-learn", "sklearn", "local", ("extract",), lambda s: s.extract.extractor == "lexical"),
    _Package(
        "wordllama",
        "wordllama",
        "local",
        ("extract", *_WITH_STORE),
        lambda s: s.store.embedder == "wordllama",
    ),
    _Package("opentelemetry-sdk", "opentelemetry.sdk", "tracing", _EVERY, lambda s: s.tracing.export != "off"),
    _Package("beautifulsoup4", "bs4", "knowledge", (), lambda _: False),
    _Package("pypdf", "pypdf", "knowledge", (), lambda _: False),
    _Package("python-docx", "docx", "knowledge", (), lambda _: False),
)


def _packages(settings: Settings) -> Iterator[Finding]:
    yield Finding("convmine", "ok", _version("convmine"), _EVERY)
    for package in _PACKAGES:
        if find_spec(package.module) is not None:
            yield Finding(package.name, "ok", _version(package.name), package.stages)
            continue
        state: State = "missing" if package.needed(settings) else "unused"
        fix = f"pip install 'convmine[{package.extra}]'"
        yield Finding(package.name, state, "is not installed", package.stages, fix)


def _programs() -> Iterator[Finding]:
    if found := shutil.which("ffmpeg"):
        yield Finding("ffmpeg", "ok", found, ("asr",))
    else:
        detail = "is not installed: M4A and other formats that libsndfile cannot read are refused"
        yield Finding("ffmpeg", "unused", detail, ("asr",), "install the package ffmpeg")


def _kafka(settings: Settings) -> Finding:
    from workers.edge import Edge

    servers = settings.kafka.bootstrap_servers
    try:
        topics = Edge(settings.kafka).topics()
    except ConvmineError as error:
        state: State = "missing" if "bootstrap_servers" in settings.kafka.model_fields_set else "unused"
        return Finding("kafka", state, error.message, _EVERY, error.hint or "")
    if missing := [name for name, partitions in topics.items() if not partitions]:
        return Finding(
            "kafka", "missing", f"{servers}: {len(missing)} topics are missing", _EVERY, "convmine topics apply"
        )
    return Finding("kafka", "ok", f"{servers}, {len(topics)} topics", _EVERY)


def _claims(settings: Settings) -> Finding:
    from pipeline.blobs.folder import BlobFolder

    try:
        asyncio.run(BlobFolder(settings.claims.root).check())
    except ConvmineError as error:
        return Finding("claims", "missing", error.message, _EVERY, error.hint or "")
    detail = f"{settings.claims.root} can be written: values above {settings.claims.threshold_bytes} bytes go there"
    return Finding("claims", "ok", detail, _EVERY)


def _store(settings: Settings) -> Finding:
    try:
        detail = asyncio.run(_store_detail(settings))
    except ConvmineError as error:
        fix = error.hint or "set QDRANT_URL, or CONVMINE_STORE_PATH for local mode"
        return Finding("qdrant", "missing", error.message, _WITH_STORE, fix)
    return Finding("qdrant", "ok", detail, _WITH_STORE)


async def _store_detail(settings: Settings) -> str:
    from pipeline.ports import Where
    from pipeline.store.collections import CALLS
    from pipeline.store.open import store_of

    async with store_of(settings) as store:
        calls = await store.count(CALLS, Where())
    where = settings.store.url or f"local mode in {settings.store.path}"
    return f"{where}, {calls} calls"


def _models(settings: Settings) -> Iterator[Finding]:
    llm = settings.llm
    if settings.extract.extractor != "llm":
        fix = "CONVMINE_EXTRACT_EXTRACTOR=llm with OPENAI_API_KEY or CONVMINE_LLM_BASE_URL"
        yield Finding("llm", "unused", "the lexical extractor is set", ("extract",), fix)
    elif llm.api_key is None and llm.base_url is None:
        fix = "set OPENAI_API_KEY, or CONVMINE_LLM_BASE_URL for a server of your own"
        yield Finding("llm", "missing", "neither a key nor a server is set", ("extract",), fix)
    else:
        yield Finding("llm", "ok", f"{llm.model} at {llm.base_url or 'api.openai.com'} (not asked)", ("extract",))
        yield _price(settings)


def _price(settings: Settings) -> Finding:
    from pipeline.llm.prices import Prices

    model = settings.llm.model
    price = Prices(settings.budget.prices).price(model)
    if price is None:
        fix = f"CONVMINE_BUDGET_PRICES={model}=INPUT:OUTPUT, in US dollars for a million tokens"
        return Finding("price", "unused", f"no price is known for {model}: `convmine cost` has no money", (), fix)
    detail = f"{model}: {price.input_usd:g} USD in, {price.output_usd:g} out for a million tokens"
    return Finding("price", "ok", detail, ("extract",))


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "from its source folder"
