"""A language model's server for tests: OpenAI-compatible over HTTP, it answers by a script or by rule.

``convmine fake-llm`` runs it; in Python::

    from workers.fake_llm import Failure, Valid, serve

    with serve(Failure(status=429, retry_after_s=1), Valid()) as server:
        ...  # a client with base_url=server.base_url
    assert len(server.requests) == 2

It stands outside of the pipeline, as the servers that it stands for do, and imports nothing of it.
"""

from workers.fake_llm.script import (
    ContentFilter,
    ContextTooLong,
    Cut,
    Empty,
    Failure,
    Hung,
    InvalidJson,
    Invented,
    NoJsonSchema,
    Page,
    Refusal,
    Script,
    ScriptError,
    Step,
    Streamed,
    Text,
    Truncated,
    Valid,
    WrongSchema,
    read_script,
)
from workers.fake_llm.serving import Served, serve

__all__ = [
    "ContentFilter",
    "ContextTooLong",
    "Cut",
    "Empty",
    "Failure",
    "Hung",
    "InvalidJson",
    "Invented",
    "NoJsonSchema",
    "Page",
    "Refusal",
    "Script",
    "ScriptError",
    "Served",
    "Step",
    "Streamed",
    "Text",
    "Truncated",
    "Valid",
    "WrongSchema",
    "read_script",
    "serve",
]
