from __future__ import annotations

from typing import Any

import pytest

from pipeline.llm.openai_complaints import About, complaint
from pipeline.llm.openai_dialect import FORMATS, Dialect

# As the servers answer, shortened: status, the error's body, and what it is about.
ANSWERS: list[tuple[str, int, Any, About]] = [
    (
        "openai, a reasoning model",
        400,
        {
            "message": "Unsupported parameter: 'max_tokens' is not supported with this model. "
            "Use 'max_completion_tokens' instead.",
            "type": "invalid_request_error",
            "param": "max_tokens",
            "code": "unsupported_parameter",
        },
        About.LIMIT_NAME,
    ),
    (
        "openai, a reasoning model",
        400,
        {
            "message": "Unsupported value: 'temperature' does not support 0 with this model. "
            "Only the default (1) value is supported.",
            "type": "invalid_request_error",
            "param": "temperature",
            "code": "unsupported_value",
        },
        About.TEMPERATURE,
    ),
    (
        "openai, an older model",
        400,
        {
            "message": "Invalid parameter: 'response_format' of type 'json_schema' is not supported with this model.",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
        About.FORMAT,
    ),
    (
        "openai, a schema out of its subset",
        400,
        {
            "message": "Invalid schema for response_format 'extract_v1': In context=(), 'additionalProperties' is "
            "required to be supplied and to be false.",
            "type": "invalid_request_error",
            "param": "response_format",
            "code": None,
        },
        About.FORMAT,
    ),
    (
        "openai, more room than the model gives",
        400,
        {
            "message": "max_tokens is too large: 32000. This model supports at most 16384 completion tokens.",
            "type": "invalid_request_error",
            "param": "max_tokens",
            "code": "invalid_value",
        },
        About.LIMIT,
    ),
    (
        "openai, too long",
        400,
        {
            "message": "This model's maximum context length is 128000 tokens. However, you sent 130000.",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        },
        About.CONTEXT,
    ),
    (
        "openai, longer than a minute's allowance",
        429,
        {
            "message": "Request too large for gpt-4.1 on tokens per min (TPM): Limit 30000, Requested 41000.",
            "type": "tokens",
            "param": None,
            "code": "rate_limit_exceeded",
        },
        About.CONTEXT,
    ),
    (
        "azure, an old version",
        400,
        {
            "message": "response_format value as json_schema is enabled only for api versions 2024-08-01-preview and "
            "later",
            "type": "",
            "param": "",
            "code": "BadRequest",
        },
        About.FORMAT,
    ),
    (
        "azure, its filter of prompts",
        400,
        {
            "message": "The response was filtered, the prompt triggering Azure OpenAI's content management policy.",
            "type": None,
            "param": "prompt",
            "code": "content_filter",
            "status": 400,
            "innererror": {"code": "ResponsibleAIPolicyViolation"},
        },
        About.FILTER,
    ),
    (
        "vllm, too long",
        400,
        {
            "object": "error",
            "message": "This model's maximum context length is 16384 tokens. However, you requested 18946 tokens "
            "(16946 in the messages, 2000 in the completion). Please reduce the length of the messages or completion.",
            "type": "BadRequestError",
            "param": None,
            "code": 400,
        },
        About.CONTEXT,
    ),
    (
        "vllm, no room left",
        400,
        {"object": "error", "message": "max_tokens must be at least 1, got -186.", "type": "BadRequestError"},
        About.CONTEXT,
    ),
    (
        "vllm, more room than there is",
        400,
        {"message": "'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length"},
        About.LIMIT,
    ),
    (
        "llama.cpp, too long",
        400,
        {
            "code": 400,
            "message": "request (4390 tokens) exceeds the available context size (4096 tokens), try increasing it",
            "type": "exceed_context_size_error",
            "n_prompt_tokens": 4390,
            "n_ctx": 4096,
        },
        About.CONTEXT,
    ),
    (
        "llama.cpp, too long while it generates",
        500,
        {"code": 500, "message": "Context size has been exceeded.", "type": "server_error"},
        About.CONTEXT,
    ),
    (
        "llama.cpp, a schema that it makes no grammar of",
        400,
        {"code": 400, "message": "failed to parse grammar", "type": "invalid_request_error"},
        About.FORMAT,
    ),
    ("lm studio", 400, "'response_format.type' must be 'json_schema' or 'text'", About.FORMAT),
    ("lm studio", 400, {"error": "'response_format.type' must be 'json_schema'"}, About.FORMAT),
    (
        "deepseek",
        400,
        {"message": "This response_format type is unavailable now", "type": "invalid_request_error", "param": None},
        About.FORMAT,
    ),
    (
        "deepseek",
        422,
        {
            "message": "Failed to deserialize the JSON body into the target type: response_format: "
            "response_format.type `json_schema` is unavailable now at line 1 column 12440",
        },
        About.FORMAT,
    ),
    (
        "groq, an answer that is no JSON",
        400,
        {
            "message": "Failed to generate JSON. Please adjust your prompt. See 'failed_generation' for more details.",
            "type": "invalid_request_error",
            "code": "json_validate_failed",
            "failed_generation": "{'intents'",
        },
        About.ANSWER,
    ),
    (
        "groq, more room than the model gives",
        400,
        {
            "message": "max_tokens for `llama-3.1-8b` must be less than or equal to 8000",
            "type": "invalid_request_error",
        },
        About.LIMIT,
    ),
    ("groq, a larger body than it takes", 413, {"message": "Request Entity Too Large"}, About.CONTEXT),
    ("a chat template", 400, {"message": "Conversation roles must alternate user/assistant"}, About.UNKNOWN),
    ("a gateway without a word", 400, None, About.UNKNOWN),
    ("a gateway without a word", 400, "", About.UNKNOWN),
]


@pytest.mark.parametrize(("server", "status", "body", "about"), ANSWERS)
def test_what_servers_answer_is_understood(server: str, status: int, body: Any, about: About) -> None:
    held = complaint(status, body)
    assert held is not None, server
    assert held.about is about, server


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (429, {"message": "Rate limit reached for gpt-4.1 on tokens per min (TPM): Limit 30000, Used 29000."}),
        (500, {"message": "context deadline exceeded"}),
        (500, {"message": "cannot allocate memory for the context window"}),
        (503, {"message": "response_format: the worker is away"}),
        (401, {"message": "Incorrect API key"}),
        (502, "<html>Bad Gateway</html>"),
    ],
)
def test_what_is_not_about_the_request_is_no_complaint(status: int, body: Any) -> None:
    assert complaint(status, body) is None


def test_a_format_is_weakened_step_by_step_and_nothing_else_with_it() -> None:
    dialect = Dialect()
    seen = [dialect.format]
    while (weaker := dialect.after(About.FORMAT)) is not None:
        dialect = weaker
        seen.append(dialect.format)
    assert tuple(seen) == FORMATS
    assert dialect == Dialect(format="text")


@pytest.mark.parametrize("about", list(About))
def test_every_complaint_ends(about: About) -> None:
    dialect: Dialect | None = Dialect()
    for _ in range(5):
        dialect = dialect and dialect.after(about)
    assert dialect is None


@pytest.mark.parametrize("about", [About.CONTEXT, About.FILTER, About.LIMIT, About.ANSWER])
def test_what_no_other_way_of_asking_helps_weakens_nothing(about: About) -> None:
    assert Dialect().after(about) is None
