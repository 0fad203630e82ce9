"""The page on which words become a question, which is shown, not run."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from pipeline.access.principal import READERS
from pipeline.questions.asker import Asker
from pipeline.questions.command_line import command_line
from pipeline.questions.wording.model_answer import Meant
from pipeline.questions.wording.worded import LONGEST
from workers.gateway.door import SCOPES, asker_of
from workers.gateway.problems import NotServed
from workers.gateway.replies import answer_reply

Put = Callable[[Asker, str, str | None], Awaitable[Meant]]
"""The question that words mean, among the names that the asker may see; the last is the language of the prompt."""


class Words(BaseModel):
    """A question in plain words."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"text": "which intents rose last month?"}]}
    )

    text: Annotated[str, Field(min_length=1, max_length=LONGEST)]
    language: Annotated[Literal["en", "zh"] | None, Field(description="of the prompt; else that of the text")] = None


class MeantQuestion(BaseModel):
    """The question that was meant, as `/v1/questions` takes it, and the command that asks it."""

    question: Annotated[Meant, Field(discriminator="kind")]
    command: str


def add_wording(router: APIRouter, put: Put | None) -> None:
    """``POST /v1/ask``; without a language model it says so."""

    @router.post(
        "/v1/ask",
        summary="Which question words mean; ask it with a second request",
        tags=["questions"],
        operation_id="ask",
        response_class=JSONResponse,
        response_model=None,
        responses={200: {"model": MeantQuestion}},
        openapi_extra={SCOPES: sorted(READERS)},
    )
    async def ask(request: Request, words: Words) -> Response:
        if put is None:
            raise NotServed(
                "this gateway has no language model to ask",
                hint="whoever runs it sets CONVMINE_LLM_API_KEY or _BASE_URL",
            )
        question = await put(asker_of(request), words.text, words.language)
        command = shlex.join(["convmine", *command_line(question)])
        return answer_reply(request, MeantQuestion(question=question, command=command), MeantQuestion)
