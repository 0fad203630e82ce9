"""Where the recordings of the demo's calls lie: with the samples that they were played from."""

from __future__ import annotations

from pipeline import samples
from pipeline.ports import ClaimCheck
from schemas.audio import RecordingAvailable


class SampleRecordings:
    """``Recordings`` of calls whose ids begin with that of a sample."""

    def __init__(self) -> None:
        payloads = [payload for payload, _ in samples.recordings()]
        self._claims = {
            payload.call_id: ClaimCheck(payload.dataref, payload.sha256)
            for payload in payloads
            if isinstance(payload, RecordingAvailable)
        }

    def claim(self, tenant_id: str, call_id: str) -> ClaimCheck | None:
        """That of the sample; the demo has one tenant."""
        del tenant_id
        return next((claim for name, claim in self._claims.items() if call_id.startswith(name)), None)
