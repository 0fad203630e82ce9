"""One call, to who may see it; of others' calls it is not even said that they are there."""

from __future__ import annotations

from pipeline.questions.narrowing import Asking
from pipeline.questions.question import ReadTranscript, ShowCall
from pipeline.store import calls
from pipeline.store.answers import CallView, StoredTranscript
from pipeline.store.collections import CALLS
from pipeline.store.known import Named, check_known


async def show(asking: Asking, question: ShowCall) -> CallView:
    """Everything that is stored of the call.

    Raises:
        Unknown: there is none that the asker may see; the hint has the nearest ids.
    """
    await _seen(asking, question.call)
    return await calls.show_call(asking.store, question.call, tenant_id=asking.asker.tenant_id)


async def read(asking: Asking, question: ReadTranscript) -> StoredTranscript:
    """The words of the call as they are stored.

    Raises:
        Unknown: there is none that the asker may see; the hint has the nearest ids.
    """
    await _seen(asking, question.call)
    return await calls.transcript(asking.store, question.call, tenant_id=asking.asker.tenant_id)


async def _seen(asking: Asking, call_id: str) -> None:
    if asking.asker.agent is not None:
        await check_known(asking.store, asking.asker.scope, Named("call", CALLS, "call_id", call_id))
