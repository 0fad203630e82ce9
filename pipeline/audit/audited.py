"""``Answers`` of which each is recorded: the one place through which questions of people come."""

from __future__ import annotations

from typing import Any

from pipeline.audit.act import asked
from pipeline.audit.recorder import Recorder
from pipeline.questions.answering import Answers
from pipeline.questions.question import Question


class Audited:
    """``Answers`` of ``inner``, given once it is recorded who has them.

    Raises:
        Retryable: also where that cannot be recorded, and must be.
    """

    def __init__(self, inner: Answers, recorder: Recorder) -> None:
        self.inner = inner
        self._recorder = recorder

    async def answer(self, question: Question) -> Any:  # noqa: ANN401 - see Answers
        return await self._recorder.around(asked(question), lambda: self.inner.answer(question))
