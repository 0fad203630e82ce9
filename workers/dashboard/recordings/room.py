"""``GET /v1/calls/{call}/audio``: what one may hear of a call, to whoever may read it."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from pipeline.access.principal import READERS
from pipeline.asr.errors import NotThereYet
from pipeline.audit.act import command
from pipeline.privacy.muting import hidden
from pipeline.questions.question import ReadTranscript
from pipeline.store.answers import StoredTranscript
from pipeline.store.known import Unknown
from workers.dashboard.recordings.copies import Copies
from workers.dashboard.recordings.finding import Recordings
from workers.dashboard.recordings.parts import file_reply
from workers.gateway.app import Room
from workers.gateway.auditing import Auditing
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.pages import AnswersTo
from workers.gateway.parameters import asked
from workers.gateway.problems import problem
from workers.gateway.replies import problem_reply

_PATH: Final = "/v1/calls/{call:path}/audio"


def recordings_room(recordings: Recordings, copies: Copies, auditing: Auditing | None = None) -> Room:
    """The room in which calls are listened to.

    Args:
        recordings: where they lie.
        copies: those that are silent where a call is masked.
        auditing: where it is recorded who listens; that somebody read the transcript is recorded in any case.
    """
    recorded = auditing or Auditing()

    def add_recordings(router: APIRouter, answers_to: AnswersTo) -> None:
        async def audio(request: Request, call: Annotated[str, Path()]) -> Response:
            transcript = await answers_to(request).answer(asked(ReadTranscript, {"call": call}))
            tenant_id = principal_of(request.scope).tenant_id
            claim = None if _is_written(transcript) else recordings.claim(tenant_id, call)
            if claim is None:
                raise Unknown(f"no recording is kept of call {call!r}")
            whose = f"{tenant_id}\n{call}\n{transcript.revision}"
            try:
                path = await copies.copy(whose, claim, hidden(transcript.segments))
            except NotThereYet:
                return problem_reply(problem(410, "the recording of this call is not there any more"))
            if request.method == "GET" and request.headers.get("range", "bytes=0-").startswith("bytes=0-"):
                await recorded.recorder(request).record(command("audio", calls=[call]))
            return file_reply(request, path, media_type="audio/wav", etag=f'"{path.stem[:32]}"')

        for method in ("GET", "HEAD"):
            router.add_api_route(
                _PATH,
                audio,
                methods=[method],
                include_in_schema=method == "GET",
                summary="What may be heard of a call: WAV, silent where it is masked",
                tags=["dashboard"],
                operation_id="hear_call",
                response_class=Response,
                response_model=None,
                responses={
                    200: {"content": {"audio/wav": {"schema": {"type": "string", "format": "binary"}}}},
                    206: {"description": "The part that was asked for (Range), 1 MiB at most"},
                    410: {"description": "The recording is not there any more"},
                    416: {"description": "It is not as long as that"},
                },
                openapi_extra={SCOPES: sorted(READERS)},
            )

    return add_recordings


def _is_written(transcript: StoredTranscript) -> bool:
    """Whether it was a chat: its messages take no time."""
    return bool(transcript.segments) and all(one.start_ms == one.end_ms for one in transcript.segments)
