"""What a call costs each stage, and what is paid for it: as shipped (``shipped.toml``), measured, or given."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pipeline.errors import Config
from pipeline.stages import STAGES, Stage

Figure = Annotated[float, Field(ge=0)]


def name_of(stage: Stage) -> str:
    """How a stage and its lane are named in a file of costs: ``extract.live``."""
    return f"{stage.name}.{stage.lane}"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StageCost(_Part):
    """Events that a stage reads, and what each takes it.

    ``events_per_call`` and ``_per_minute`` are of the calls of its own lane, ``events_per_live_call`` and
    ``_per_live_minute`` what a stage of the batch lane reads of live calls besides. ``cpu_s`` are CPU seconds an event,
    ``cpu_s_per_minute`` those for each minute of the call that it is about, ``wait_s`` seconds an event in which the
    CPU is free. ``memory_mb`` is what a worker takes.
    """

    events_per_call: Figure = 0
    events_per_minute: Figure = 0
    events_per_live_call: Figure = 0
    events_per_live_minute: Figure = 0
    cpu_s: Figure = 0
    cpu_s_per_minute: Figure = 0
    wait_s: Figure = 0
    memory_mb: Figure = 250
    source: str = ""


class Talk(_Part):
    """What a language model is asked about calls, by a stage: requests and tokens."""

    requests_per_call: Figure = 0
    requests_per_minute: Figure = 0
    input_per_minute: Figure = 0
    output_per_minute: Figure = 0
    cpu_s: Figure = 0
    """CPU seconds an event of the stage instead of what the lexical extractor takes."""
    source: str = ""


class TopicBytes(_Part):
    """Bytes that a minute of a call of each lane adds to a topic."""

    batch: Figure = 0
    live: Figure = 0


class Engine(_Part):
    """What speech recognition takes for a minute of a call, both channels: of a core, of a GPU, or of money.

    ``live_factor`` is how much more the same minute takes live, where spans come one by one and not in batches.
    """

    cpu_s_per_minute: Figure = 0
    gpu_s_per_minute: Figure = 0
    wait_s_per_minute: Figure = 0
    live_factor: Figure = 1
    live_at_once: Annotated[float, Field(gt=0)] = 1
    memory_mb: Figure = 500
    start_s: Figure = 30
    usd_per_minute: Figure = 0
    source: str


class Model(_Part):
    """A language model: how long an answer takes, the account's limits, and what is paid.

    ``tokens_per_gpu_s`` of one's own: then GPUs are counted, and tokens cost nothing.
    """

    seconds: Figure = 0
    requests_per_minute: Figure = 0
    tokens_per_minute: Figure = 0
    input_usd: Figure = 0
    output_usd: Figure = 0
    tokens_per_gpu_s: Figure = 0
    source: str


class Points(_Part):
    """What the store keeps of a minute of a call, and how large a point is in bytes, vectors included."""

    per_minute: Mapping[str, Figure]
    bytes: Figure
    in_memory_bytes: Figure
    per_node_s: Figure
    """Points that one node of the store takes in a second."""


class Prices(_Part):
    """US dollars; ``source`` says whose and when."""

    cpu_hour: Figure
    gb_memory_hour: Figure
    gpu_hour: Figure
    gb_disk_month: Figure
    gb_object_month: Figure
    source: str


class Bounds(_Part):
    """What an installation does not go beyond, and how it is run."""

    hop_cpu_s: Figure
    in_flight: Annotated[int, Field(gt=0)]
    use: Annotated[float, Field(gt=0, lt=1)]
    """Share of a worker's time that is planned for at the peak."""
    live_calls_per_partition: Annotated[float, Field(gt=0)]
    partitions_per_broker: Annotated[float, Field(gt=0)]
    partitions_per_cluster: Annotated[float, Field(gt=0)]
    broker_mb_s: Annotated[float, Field(gt=0)]
    replication: Annotated[int, Field(gt=0)]
    recording_bytes_per_minute: Figure
    recording_days: Figure
    store_days: Figure
    failures_per_worker_day: Figure
    session_timeout_s: Figure
    rebalance_s: Figure
    poll_s: Annotated[float, Field(gt=0)]
    start_s: Figure
    cool_s: Figure
    node_cores: Figure
    node_memory_gb: Figure
    source: str


class Costs(_Part):
    """All of it."""

    source: str
    stages: Mapping[str, StageCost]
    talk: Mapping[str, Talk]
    topics: Mapping[str, TopicBytes]
    points: Points
    engines: Mapping[str, Engine]
    models: Mapping[str, Model]
    prices: Prices
    bounds: Bounds


def shipped() -> dict[str, Any]:
    """The figures that ship, as data."""
    text = (files("pipeline") / "sizing" / "shipped.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def read_costs(path: Path | None = None) -> Costs:
    """The costs that ship, with what a file (TOML or JSON) says instead.

    A file of ``convmine bench --save`` says some, a whole one of one's own all of them.

    Raises:
        Config: the file cannot be read, names a stage that there is none of, or a figure is wrong.
    """
    data = shipped()
    if path is not None:
        data = _laid_over(data, _read(path))
    try:
        costs = Costs.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        raise Config("--costs", f"{place}: {first['msg']}") from error
    known = {name_of(stage) for stage in STAGES}
    if unknown := sorted({*costs.stages, *costs.talk} - known):
        raise Config("--costs", f"no such stage: {', '.join(unknown)}")
    if missing := sorted(known - set(costs.stages)):
        raise Config("--costs", f"nothing is said of {', '.join(missing)}")
    return costs


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8")
        found = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise Config("--costs", f"{path}: {error}") from error
    if not isinstance(found, dict):
        raise Config("--costs", f"{path}: not a table of figures")
    return found


def _laid_over(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """What is above replaces what is below, figure by figure."""
    merged = dict(below)
    for name, value in above.items():
        old = merged.get(name)
        merged[name] = _laid_over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return merged
