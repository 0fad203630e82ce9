"""Who asks the gateway what, recorded; and the page on which that is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from pipeline.audit.act import command
from pipeline.audit.audited import Audited
from pipeline.audit.entry import Actor
from pipeline.audit.log import AuditLog, EntryPage, Wanted
from pipeline.audit.logs import NoLog
from pipeline.audit.recorder import Recorder
from pipeline.questions.answering import Answers
from workers.gateway.door import SCOPES, principal_of
from workers.gateway.parameters import asked_since
from workers.gateway.problems import NotServed
from workers.gateway.replies import answer_reply

MAY_READ: Final = ("admin",)
"""Scopes with which the log may be read."""


@dataclass(frozen=True, slots=True)
class Auditing:
    """Where requests are recorded; with ``required``, nothing is answered that cannot be."""

    log: AuditLog = field(default_factory=NoLog)
    required: bool = False

    def recorder(self, request: Request) -> Recorder:
        """Records what the key of this request does."""
        principal = principal_of(request.scope)
        return Recorder(self.log, Actor(principal.tenant_id, principal.id, "gateway"), required=self.required)

    def audited(self, request: Request, answers: Answers) -> Answers:
        """The same answers, each recorded."""
        return Audited(answers, self.recorder(request))


class Sought(BaseModel):
    """Which entries of the key's tenant are read, the newest first; what is not given is not looked at."""

    model_config = ConfigDict(extra="forbid")

    who: Annotated[str | None, Field(max_length=200, description="Id of a key, or name of a user")] = None
    call: Annotated[str | None, Field(max_length=200, description="Id of a call that was shown or asked for")] = None
    customer: Annotated[str | None, Field(max_length=200, description="Pseudonym of a customer")] = None
    action: Annotated[str | None, Field(max_length=40, description="Kind of question, or command")] = None
    since: Annotated[str | None, Field(max_length=40, description="A time ago such as 7d, or a date")] = None
    limit: Annotated[int, Field(ge=1, le=1_000, description="The most entries of a page")] = 100
    after: Annotated[str | None, Field(max_length=50_000, description="The mark that the page before gave")] = None

    def wanted(self, tenant_id: str) -> Wanted:
        """The same of a tenant.

        Raises:
            RequestValidationError: ``since`` is no time.
        """
        since = None if self.since is None else asked_since(self.since)
        return Wanted(tenant_id, self.who, self.call, self.customer, self.action, since)


def add_audit(router: APIRouter, auditing: Auditing) -> None:
    """``GET /v1/audit``; that somebody reads it is recorded, too."""

    @router.get(
        "/v1/audit",
        summary="Who read or erased what",
        tags=["audit"],
        operation_id="list_audit",
        response_class=JSONResponse,
        response_model=None,
        responses={200: {"model": EntryPage}, 304: {"description": "Still the same (If-None-Match)"}},
        openapi_extra={SCOPES: sorted(MAY_READ)},
    )
    async def audit(request: Request, sought: Annotated[Sought, Query()]) -> Response:
        if isinstance(auditing.log, NoLog):
            raise NotServed("this gateway keeps no audit log", hint="whoever runs it sets CONVMINE_AUDIT_PLACE")
        wanted = sought.wanted(principal_of(request.scope).tenant_id)
        asked = command("audit", sought=sought.model_dump(exclude_defaults=True))
        page = await auditing.log.read(wanted, limit=sought.limit, after=sought.after)
        await auditing.recorder(request).record(asked)
        return answer_reply(request, page, EntryPage)
