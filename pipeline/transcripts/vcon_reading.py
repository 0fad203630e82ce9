"""A vCon as a call of ours: its words where it has any, else its recordings for the asr stage."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

from pipeline.errors import Poison
from pipeline.ids import stable_id
from pipeline.transcripts.vcon import TRANSCRIPT, VENDOR
from pipeline.transcripts.vcon_document import Json, content, hashes, instant, objects
from pipeline.transcripts.vcon_parties import Parties, Told
from pipeline.transcripts.vcon_speech import Piece, Speech, speech_of
from schemas.transcript import Segment, TranscriptCompleted, Word
from schemas.wire import CallFacts, Channel, Identifier, Lane, Language

ENGINE: Final = "vcon"
_TRANSCRIPTS: Final = frozenset({"transcript", "transcription", "wtf_transcription"})
_PLAIN: Final = "text/plain"
_MOST_CHANNELS: Final = 32


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording in a vCon: its bytes, or where they lie and what they must hash to (by hash function)."""

    where: str
    started_at: datetime
    channels: tuple[Channel, ...]
    mediatype: str | None = None
    data: bytes | None = None
    url: str | None = None
    digests: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ReadCall:
    """A call out of a vCon; ``passed_over`` says what of the document was left out."""

    call_id: str
    facts: CallFacts
    transcript: TranscriptCompleted | None
    recordings: tuple[Recording, ...]
    passed_over: tuple[str, ...] = ()


def call_of(document: Json, tenant_id: str, told: Told | None = None) -> ReadCall:
    """The call in the document of a vCon.

    Our own transcript comes back as it was exported. Else the words are those of its text dialogs, else of the first
    transcript of each recording in a form that is known; recordings are there in any case. A customer is known by a
    pseudonym that is made of the uuid, number or address, so that the calls of one are of one; a bare name is no id.

    Raises:
        Poison: there is no conversation in it, or a part cannot be read; the message says which.
    """
    return _Reading(document, tenant_id, told or Told()).call()


class _Reading:
    def __init__(self, document: Json, tenant_id: str, told: Told) -> None:
        self._tenant_id = tenant_id
        self._told = told
        self._uuid = document.get("uuid")
        self._parties = Parties(document, tenant_id, told)
        self._dialogs = objects(document, "dialog")
        self._analyses = objects(document, "analysis")
        self._groups = objects(document, "group")
        attached = len(objects(document, "attachments"))
        self._passed_over = [f"attachments: {attached}"] if attached else []

    def call(self) -> ReadCall:
        ours = self._ours()
        if ours is not None:
            return self._again(ours)
        self._refuse_without_dialog()
        recordings = tuple(self._recording(n) for n in self._numbers("recording"))
        call_id, texts = self._call_id(), self._texts()
        facts = self._parties.facts()
        speeches = {} if texts else self._speeches()
        if not texts and not recordings and not speeches:
            raise Poison("its dialog has neither text nor a recording: there is nothing to import")
        segments = texts or self._spoken(speeches)
        told = (_language(speech.language) for speech in speeches.values())
        facts = facts.model_copy(update={"language": facts.language or next(filter(None, told), None)})
        transcript = self._transcript(call_id, facts, segments) if segments else None
        return ReadCall(call_id, facts, transcript, recordings, tuple(self._passed_over))

    def _ours(self) -> TranscriptCompleted | None:
        """What we exported ourselves."""
        for number, one in enumerate(self._analyses):
            if one.get("vendor") == VENDOR and one.get("schema") == TRANSCRIPT:
                where = f"analysis {number}"
                try:
                    return TranscriptCompleted.model_validate(content(one, where))
                except ValidationError as error:
                    first = error.errors(include_url=False, include_input=False)[0]
                    at = ".".join(map(str, first["loc"]))
                    raise Poison(f"{where}: a transcript of convmine that is broken: {at}: {first['msg']}") from error
        return None

    def _again(self, ours: TranscriptCompleted) -> ReadCall:
        told = {"scenario": self._told.scenario, "language": self._told.language}
        facts = ours.call.model_copy(update={name: value for name, value in told.items() if value is not None})
        call_id, revision = self._told.call_id or ours.call_id, self._told.revision or ours.revision
        again = {"call_id": call_id, "call": facts, "revision": revision, "lane": Lane.BATCH}
        return ReadCall(call_id, facts, ours.model_copy(update=again), (), tuple(self._passed_over))

    def _refuse_without_dialog(self) -> None:
        if self._dialogs:
            return
        if self._groups:
            raise Poison("it is a group of other vCons, and has no dialog itself: import those")
        raise Poison("it has no dialog: there is no conversation to import")

    def _numbers(self, kind: str) -> list[int]:
        return [number for number, one in enumerate(self._dialogs) if one.get("type") == kind]

    def _call_id(self) -> str:
        told = (one.get(name) for one in self._dialogs for name in ("interaction_id", "interaction"))
        found = self._told.call_id or next((one for one in told if isinstance(one, str) and one), None) or self._uuid
        try:
            return _IDENTIFIER.validate_python(found)
        except ValidationError as error:
            raise Poison("it has no uuid, by which a call is known: give --call-id") from error

    def _texts(self) -> tuple[Segment, ...]:
        began = self._parties.facts().started_at
        found: list[Segment] = []
        for number in self._numbers("text"):
            one, where = self._dialogs[number], f"dialog {number}"
            if "url" in one and "body" not in one:
                raise Poison(f"{where}: its text lies at a url; only text inside of the vCon can be read")
            text, mediatype = content(one, where), one.get("mediatype") or one.get("mimetype") or _PLAIN
            if str(mediatype).partition(";")[0].strip() != _PLAIN:
                self._passed_over.append(f"{where} ({mediatype})")
            elif text := _as_text(text, where).strip():
                at = instant(one.get("start"), where)
                assert began is not None
                start, channels = _ms(at - began), self._parties.channels(number)
                speaker = next((one for one in channels if one is not None), None)
                end = start + _duration_ms(one.get("duration"), where)
                found.append(
                    self._segment(len(found), Piece(text, start, end), speaker, 0 if speaker is None else speaker)
                )
        return tuple(sorted(found, key=lambda one: (one.start_ms, one.end_ms)))

    def _speeches(self) -> dict[int, Speech]:
        """The first transcript that can be read of each recording, by its number; others are told as passed over."""
        found: dict[int, Speech] = {}
        for number, one in enumerate(self._analyses):
            of, speech = self._recording_of(one), None
            if of not in found and str(one.get("type")).lower().replace("-", "_") in _TRANSCRIPTS:
                speech = speech_of(_told_json(content(one, f"analysis {number}")))
            if speech is None:
                self._passed_over.append(f"analysis {number} ({one.get('type')})")
            else:
                found[of] = speech
        return found

    def _recording_of(self, analysis: Json) -> int:
        """The number of the first dialog that an analysis is of."""
        of = analysis.get("dialog")
        first = of[0] if isinstance(of, list) and of else of
        return first if isinstance(first, int) and 0 <= first < len(self._dialogs) else 0

    def _spoken(self, speeches: Mapping[int, Speech]) -> tuple[Segment, ...]:
        began = self._parties.facts().started_at
        said: list[tuple[Piece, list[int | None]]] = []
        for dialog, speech in speeches.items():
            at, channels = (
                instant(self._dialogs[dialog].get("start"), f"dialog {dialog}"),
                self._parties.channels(dialog),
            )
            assert began is not None
            said += [(_later(piece, _ms(at - began)), channels) for piece in speech.pieces]
        said.sort(key=lambda one: (one[0].start_ms, one[0].end_ms))
        segments = [
            self._segment(number, piece, *self._speaker(piece, channels))
            for number, (piece, channels) in enumerate(said)
        ]
        return tuple(segments)

    def _speaker(self, piece: Piece, channels: Sequence[int | None]) -> tuple[int | None, int]:
        """The party that spoke, where that can be known, and the channel to tell it apart by.

        A recogniser's own numbers of speakers are not those of the parties, unless whoever imports has named them.
        """
        if piece.channel is not None:
            return (channels[piece.channel] if piece.channel < len(channels) else None), piece.channel
        if isinstance(piece.speaker, int):
            return self._parties.numbered(piece.speaker), max(0, piece.speaker)
        if isinstance(piece.speaker, str):
            number = self._parties.named(piece.speaker)
            return number, 0 if number is None else number
        return (channels[0] if len(channels) == 1 else None), 0

    def _segment(self, number: int, piece: Piece, party: int | None, channel: int) -> Segment:
        parts = (self._tenant_id, self._call_id(), self._told.revision or 1, number, piece.start_ms)
        return Segment(
            segment_id=stable_id("segment", *parts),
            channel=channel,
            role=self._parties.role(party),
            start_ms=piece.start_ms,
            end_ms=piece.end_ms,
            text=piece.text,
            words=tuple(Word(text=w.text, start_ms=w.start_ms, end_ms=w.end_ms) for w in piece.words),
        )

    def _transcript(self, call_id: str, facts: CallFacts, segments: Sequence[Segment]) -> TranscriptCompleted:
        return TranscriptCompleted(
            call_id=call_id,
            call=facts,
            revision=self._told.revision or 1,
            language=facts.language,
            duration_ms=max(one.end_ms for one in segments),
            engine=ENGINE,
            segments=tuple(segments),
        )

    def _recording(self, number: int) -> Recording:
        one, where = self._dialogs[number], f"dialog {number}"
        data = content(one, where)
        url = one.get("url")
        if data is None and not isinstance(url, str):
            raise Poison(f"{where}: the recording has neither a body nor a url")
        if data is not None and not isinstance(data, bytes):
            raise Poison(f"{where}: a recording inside of a vCon is encoded as base64url, not {one.get('encoding')!r}")
        channels = [
            Channel(index=index, role=self._parties.role(party))
            for index, party in enumerate(self._parties.channels(number)[:_MOST_CHANNELS])
            if party is not None
        ]
        return Recording(
            where=where,
            started_at=instant(one.get("start"), where),
            channels=tuple(channels),
            mediatype=str(one.get("mediatype") or one.get("mimetype") or "") or None,
            data=data,
            url=None if data is not None else str(url),
            digests={} if data is not None else hashes(one, where),
        )


_IDENTIFIER: Final = TypeAdapter(Identifier)
_LANGUAGE: Final = TypeAdapter(Language)


def _told_json(body: Any) -> Any:  # noqa: ANN401 - whatever JSON can hold
    """Some write JSON without saying so."""
    from json import loads

    if not isinstance(body, str) or not body.lstrip().startswith(("{", "[")):
        return body
    try:
        return loads(body)
    except ValueError:
        return body


def _language(told: str | None) -> str | None:
    """A language as we write it; some recognisers write its name (``english``), which is left to the words."""
    try:
        return None if told is None else _LANGUAGE.validate_python(told)
    except ValidationError:
        return None


def _as_text(body: Any, where: str) -> str:  # noqa: ANN401 - likewise
    if isinstance(body, bytes):
        try:
            return body.decode()
        except UnicodeDecodeError:
            raise Poison(f"{where}: its text is not UTF-8") from None
    if body is not None and not isinstance(body, str):
        raise Poison(f"{where}: its text is no string")
    return body or ""


def _later(piece: Piece, ms: int) -> Piece:
    words = tuple(replace(one, start_ms=one.start_ms + ms, end_ms=one.end_ms + ms) for one in piece.words)
    return replace(piece, start_ms=piece.start_ms + ms, end_ms=piece.end_ms + ms, words=words)


def _duration_ms(seconds: Any, where: str) -> int:  # noqa: ANN401 - likewise
    if seconds is None:
        return 0
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds < float("inf"):
        raise Poison(f"{where}: the duration {seconds!r} is no number of seconds")
    return round(seconds * 1_000)


def _ms(span: timedelta) -> int:
    return round(span.total_seconds() * 1_000)
