"""A vCon read into a call: our own comes back as it was, others' as far as they say it, the rest is refused."""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from mined_calls import FACTS, TENANT, flow_state, inbound, insight, transcript
from test_transcript_formats import VCON_SCHEMA

from pipeline.errors import Poison
from pipeline.privacy.entry import masked
from pipeline.store import calls
from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from pipeline.transcripts.formats import as_vcon
from pipeline.transcripts.vcon import TRANSCRIPT, VENDOR
from pipeline.transcripts.vcon_document import read_document
from pipeline.transcripts.vcon_parties import Told
from pipeline.transcripts.vcon_reading import ReadCall, call_of
from schemas.transcript import MaskedSpan, Segment, TranscriptCompleted, Word
from schemas.wire import Channel, Direction, Role

AT = "2026-03-02T09:30:00+00:00"
LATER = "2026-03-02T09:30:10Z"
AUDIO = b"RIFF....WAVEfmt "
PARTIES = [{"role": "agent", "uuid": "a-1", "name": "Ann"}, {"role": "Customer", "tel": "+12025550123"}]


def text(body: str, party: int = 0, start: str = AT, **more: Any) -> dict[str, Any]:
    return {"type": "text", "start": start, "parties": [party], "body": body, "encoding": "none", **more}


def recording(**more: Any) -> dict[str, Any]:
    body = base64.urlsafe_b64encode(AUDIO).decode().rstrip("=")
    inline = {} if "url" in more else {"body": body, "encoding": "base64url"}
    return {"type": "recording", "start": AT, "parties": [0, 1], "mediatype": "audio/x-wav", **inline, **more}


def heard(body: Any, **more: Any) -> dict[str, Any]:
    return {"type": "transcript", "dialog": 0, "vendor": "x", "body": body, "encoding": "json", **more}


def document(*dialog: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"vcon": "0.4.0", "uuid": "u-1", "created_at": AT, "parties": PARTIES, "dialog": [*dialog], **more}


def read(made: dict[str, Any], told: Told | None = None) -> ReadCall:
    return call_of(read_document(json.dumps(made).encode()), TENANT, told)


def words(call: ReadCall) -> list[tuple[Role, int, int, str]]:
    assert call.transcript is not None
    return [(one.role, one.start_ms, one.end_ms, one.text) for one in call.transcript.segments]


async def stored(*events: Any) -> InMemoryStore:
    store = InMemoryStore()
    for event in events:
        await build(store=store)(inbound(event))
    return store


CARD = Segment(
    segment_id="s-card",
    channel=1,
    role=Role.CUSTOMER,
    start_ms=30_000,
    end_ms=34_000,
    text="it is [CARD] thanks",
    confidence=0.5,
    words=(Word(text="it", start_ms=30_000, end_ms=30_100), Word(text="[CARD]", start_ms=30_300, end_ms=33_000)),
    masked=(MaskedSpan(kind="card", start_ms=30_300, end_ms=33_000),),
)


async def test_a_call_that_was_exported_and_imported_is_the_same_call() -> None:
    facts = FACTS.model_copy(update={"queue": "sales", "direction": Direction.INBOUND, "consent": True})
    plain = transcript("call-1", facts=facts)
    said = plain.model_copy(update={"segments": (*plain.segments, CARD), "duration_ms": 40_000})
    mined = insight("call-1", facts=facts)
    first = await stored(said, mined, flow_state(mined))
    exported = as_vcon(
        await calls.transcript(first, "call-1", tenant_id=TENANT),
        await calls.show_call(first, "call-1", tenant_id=TENANT),
    )
    call = call_of(read_document(exported.encode()), TENANT)
    again = call.transcript
    assert again is not None
    assert (again.call_id, again.call, again.segments) == ("call-1", facts, said.segments)
    assert masked(again) == again, "what is masked stays so, and nothing more is taken for a number"
    second = await stored(again, mined, flow_state(mined))
    assert {name: dict(of) for name, of in second.points.items()} == {
        name: dict(of) for name, of in first.points.items()
    }


async def test_what_was_mined_is_exported_as_analyses_of_the_draft() -> None:
    mined = insight("call-1")
    store = await stored(transcript("call-1"), mined, flow_state(mined))
    found = json.loads(
        as_vcon(
            await calls.transcript(store, "call-1", tenant_id=TENANT),
            await calls.show_call(store, "call-1", tenant_id=TENANT),
        )
    )
    schema = json.loads(json.dumps(VCON_SCHEMA))
    one = schema["properties"]["analysis"]["items"]["properties"]
    one["type"]["enum"].append("report")
    one["encoding"] = {"enum": ["json", "none"]}
    jsonschema.validate(found, schema, format_checker=jsonschema.FormatChecker())
    by_type = {one["type"]: one for one in found["analysis"]}
    assert by_type["summary"]["body"] == mined.summary
    report = json.loads(by_type["report"]["body"])
    assert [(it["name"], it["quote"]) for it in report["intents"]] == [
        ("price_concern", "worried about the price"),
        ("cancel_contract", "cancel my contract"),
    ]
    assert report["outcome_inferred"]["result"] == "lost"


def test_a_text_conversation_of_others_has_its_speakers_times_and_facts() -> None:
    call = read(
        document(
            text("my bill is too high", 1, LATER, duration=2.5, skill=["billing"], campaign="spring"),
            text("good morning", 0, originator=1),
            attachments=[{"purpose": "contract", "body": "…", "encoding": "none"}],
        )
    )
    assert call.call_id == "u-1"
    assert words(call) == [
        (Role.AGENT, 0, 0, "good morning"),
        (Role.CUSTOMER, 10_000, 12_500, "my bill is too high"),
    ]
    assert (call.facts.agent, call.facts.queue, call.facts.campaign) == ("a-1", "billing", "spring")
    assert call.facts.direction is Direction.INBOUND
    assert call.facts.started_at is not None
    assert call.facts.started_at.isoformat() == AT
    assert call.passed_over == ("attachments: 1",)


def test_a_customer_is_known_by_a_pseudonym_that_all_calls_of_a_number_share() -> None:
    one, other = (read({**document(text("hello")), "uuid": uuid}).facts.customer_id for uuid in ("u-1", "u-2"))
    assert one == other
    assert one is not None
    assert "2025550123" not in one
    nameless = [PARTIES[0], {"role": "customer", "name": "Bob Smith"}]
    assert read({**document(text("hello")), "parties": nameless}).facts.customer_id is None


def test_who_imports_says_who_a_party_is() -> None:
    parties = [{"name": "Ann"}, {"name": "Bob"}]
    made = {**document(text("hello", 0), text("hi", 1)), "parties": parties}
    assert [role for role, *_ in words(read(made))] == [Role.UNKNOWN, Role.UNKNOWN]
    told = Told(roles={0: Role.AGENT, 1: Role.CUSTOMER}, call_id="call-7", scenario="telecom", language="en")
    call = read(made, told)
    assert [role for role, *_ in words(call)] == [Role.AGENT, Role.CUSTOMER]
    assert (call.call_id, call.facts.scenario, call.facts.language) == ("call-7", "telecom", "en")


def test_a_recording_inside_comes_with_its_bytes_and_who_is_on_which_channel() -> None:
    (found,) = read(document(recording())).recordings
    assert (found.data, found.url) == (AUDIO, None)
    assert found.channels == (Channel(index=0, role=Role.AGENT), Channel(index=1, role=Role.CUSTOMER))


def test_a_recording_elsewhere_comes_with_what_it_must_hash_to() -> None:
    digest = hashlib.sha512(AUDIO).digest()
    token = "sha512-" + base64.urlsafe_b64encode(digest).decode().rstrip("=")
    (found,) = read(document(recording(url="https://x.example/a.wav", content_hash=[token]))).recordings
    assert (found.data, found.url, found.digests) == (None, "https://x.example/a.wav", {"sha512": digest})


WORDS = [
    {"word": "hello", "punctuated_word": "Hello.", "start": 0.5, "end": 0.9, "speaker": 0},
    {"word": "hi", "punctuated_word": "Hi,", "start": 1.0, "end": 1.2, "speaker": 1},
    {"word": "there", "punctuated_word": "there.", "start": 1.2, "end": 1.5, "speaker": 1},
]
WHISPER = {
    "text": "Hello. Hi, there.",
    "language": "en",
    "segments": [
        {"start": 0.5, "end": 0.9, "text": " Hello.", "words": [{"word": " Hello.", "start": 0.5, "end": 0.9}]},
        {"start": 1.0, "end": 1.5, "text": " Hi, there."},
    ],
}
DEEPGRAM = {"results": {"channels": [{"alternatives": [{"transcript": "Hello. Hi, there.", "words": WORDS}]}]}}
CHANNELS = {
    "results": {"channels": [{"alternatives": [{"words": WORDS[:1]}]}, {"alternatives": [{"words": WORDS[1:]}]}]}
}
UTTERANCES = {
    "results": {
        "utterances": [
            {"start": 0.5, "end": 0.9, "transcript": "Hello.", "channel": 0, "words": WORDS[:1]},
            {"start": 1.0, "end": 1.5, "transcript": "Hi, there.", "channel": 1, "words": WORDS[1:]},
        ]
    }
}
WORLD = {
    "transcript": {"text": "Hello. Hi, there.", "language": "en", "duration": 1.5, "confidence": 0.9},
    "segments": [
        {"id": 0, "start": 0.5, "end": 0.9, "text": "Hello.", "speaker": "Ann", "words": [0]},
        {"id": 1, "start": 1.0, "end": 1.5, "text": "Hi, there.", "speaker": 1, "words": [1, 2]},
    ],
    "words": [{"id": n, "text": one["punctuated_word"], **one} for n, one in enumerate(WORDS)],
}


@pytest.mark.parametrize("body", [WHISPER, DEEPGRAM, CHANNELS, UTTERANCES, WORLD], ids=lambda body: str(body)[:30])
@pytest.mark.parametrize("as_text", [True, False], ids=["JSON in a string", "JSON itself"])
def test_transcripts_of_others_become_segments_with_their_times(body: Any, *, as_text: bool) -> None:
    analysis = heard(json.dumps(body) if as_text else body, type="wtf-transcription" if body is WORLD else "transcript")
    call = read(document(recording(), analysis=[analysis]))
    assert [(start, end, said) for _, start, end, said in words(call)] == [
        (500, 900, "Hello."),
        (1_000, 1_500, "Hi, there."),
    ]
    assert call.transcript is not None
    if body is not WHISPER:
        assert [word.text for word in call.transcript.segments[1].words] == ["Hi,", "there."]
    if body in (CHANNELS, UTTERANCES):
        assert [role for role, *_ in words(call)] == [Role.AGENT, Role.CUSTOMER]
    if body in (WHISPER, WORLD):
        assert call.facts.language == "en"


def test_words_of_a_later_recording_count_from_the_start_of_the_call() -> None:
    both = (recording(), recording(start=LATER))
    call = read(document(*both, analysis=[heard(WHISPER, dialog=[1])]))
    assert [start for _, start, *_ in words(call)] == [10_500, 11_000]
    call = read(document(*both, analysis=[heard(WHISPER, dialog=1), heard(WHISPER), heard(WORLD)]))
    assert [start for _, start, *_ in words(call)] == [500, 1_000, 10_500, 11_000]
    assert call.passed_over == ("analysis 2 (transcript)",)


def test_an_analysis_in_an_unknown_form_is_passed_over_and_said() -> None:
    call = read(document(recording(), analysis=[heard({"what": 1}), heard("plain words", encoding="none")]))
    assert call.transcript is None
    assert call.passed_over == ("analysis 0 (transcript)", "analysis 1 (transcript)")


def test_a_gzipped_vcon_is_read() -> None:
    made = gzip.compress(json.dumps(document(text("hello"))).encode())
    assert call_of(read_document(made), TENANT).call_id == "u-1"


SIGNED = {"payload": "eyJ", "signatures": [{"protected": "x", "signature": "y"}]}
SEALED = {"ciphertext": "x", "recipients": [], "iv": "", "tag": ""}
OURS = {"vendor": VENDOR, "schema": TRANSCRIPT}
WRONG_HASH = "sha512-" + base64.urlsafe_b64encode(b"x" * 64).decode()


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (document(), "it has no dialog"),
        ({"vcon": "0.4.0", "uuid": "u", "parties": []}, "it has no dialog"),
        ({**document(), "group": [{"uuid": "v"}]}, "it is a group of other vCons"),
        (document({"type": "incomplete", "start": AT, "disposition": "busy"}), "neither text nor a recording"),
        (document(text("x", encoding="base64")), "dialog 0: the encoding 'base64' is not known"),
        (document(recording(body="a b", encoding="base64url")), "dialog 0: this is no base64url"),
        (document(recording(body="abc", encoding="none")), "is encoded as base64url, not 'none'"),
        (document(recording(content_hash=WRONG_HASH)), "its sha512 is not the one in content_hash"),
        (document(recording(url="https://x", content_hash="md5")), "is not of the form sha512"),
        (document(text("x", content_hash=WRONG_HASH)), "dialog 0: its sha512 is not the one"),
        (document({"type": "recording", "start": AT}), "neither a body nor a url"),
        (document(text("x", start="soon")), "dialog 0: 'soon' is no date and time"),
        (document({**text("x"), "url": "https://x", "body": None}), "it has neither|its text lies at a url|nothing"),
        (SIGNED, r"it is signed \(JWS\)"),
        ({**document(text("x")), **SIGNED}, r"it is signed \(JWS\)"),
        (SEALED, r"it is encrypted \(JWE\)"),
        ({**document(text("x")), "vcon": "1.0.0"}, "its version '1.0.0' is not known here"),
        ({**document(text("x")), "vcon": 4}, "its version 4 is not known"),
        ({**document(text("x")), "critical": ["secret-words"]}, "the extension 'secret-words'"),
        ({**document(text("x")), "dialog": {}}, "dialog is no list"),
        ({**document(), "dialog": ["x"]}, "dialog 0 is no object"),
        ({**document(text("x")), "uuid": None}, "give --call-id"),
        ([], "this is no vCon"),
        ({"a": 1}, "this is no vCon"),
        (document(text("x"), analysis=[heard("{", **OURS)]), "analysis 0: its encoding is json, and the body is none"),
        (document(text("x"), analysis=[heard({}, **OURS)]), "a transcript of convmine that is broken: call_id"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_line(made: Any, said: str) -> None:
    with pytest.raises(Poison, match=said) as refused:
        read(made)
    assert "\n" not in refused.value.message


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"{", "it is no JSON"),
        (b"\xff\xfe", "it is no JSON"),
        (b"", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"eyJhbGciOiJSUzI1NiJ9.eyJ2Y29uIjoiMC40LjAifQ.c2ln", "it is signed"),
        (b"eyJhbGciOiJSU0EifQ.a.b.c.d", "it is encrypted"),
        (b"\x1f\x8bbroken", "it is gzipped, and broken"),
    ],
)
def test_bytes_that_are_no_vcon_are_refused(data: bytes, said: str) -> None:
    with pytest.raises(Poison, match=said):
        read_document(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 99) | st.floats() | st.text(max_size=4) | st.sampled_from([AT, "text"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["type", "start", "parties", "body", "encoding", "words", "segments", "results", "dialog", "end"]
            ),
            inner,
            max_size=5,
        )
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=3), st.lists(JSON, max_size=2), JSON)
def test_whatever_stands_in_a_document_it_is_read_or_refused(dialog: Any, analysis: Any, parties: Any) -> None:
    made = {**document(text("hello")), "dialog": [text("hello"), recording(), *dialog], "parties": parties}
    made["analysis"] = [*analysis, *(heard(one) for one in analysis)]
    try:
        call = read(made)
    except Poison:
        return
    assert isinstance(call.transcript, TranscriptCompleted)
