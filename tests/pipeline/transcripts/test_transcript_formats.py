from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.answers import StoredTranscript
from pipeline.transcripts.cues import cues, one_by_one
from pipeline.transcripts.formats import FORMATS, as_json, as_srt, as_txt, as_vcon, as_vtt
from schemas.transcript import MaskedSpan, Segment, Word
from schemas.wire import Role

START = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
SRT_CUE = re.compile(
    r"(\d+)\n(\d\d):(\d\d):(\d\d),(\d{3}) --> (\d\d):(\d\d):(\d\d),(\d{3})\n((?:.+\n)+)\n", re.MULTILINE
)
VCON_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["vcon", "uuid", "created_at", "parties", "dialog", "analysis"],
    "properties": {
        "vcon": {"const": "0.4.0"},
        "uuid": {"type": "string", "pattern": "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"},
        "created_at": {"type": "string", "format": "date-time"},
        "subject": {"type": "string"},
        "redacted": {"type": "object", "properties": {"type": {"type": "string"}, "uuid": {"type": "string"}}},
        "parties": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "properties": {
                    "role": {"type": "string"},
                    "name": {"type": "string"},
                    "validation": {"type": "string"},
                },
                "dependentRequired": {"name": ["validation"]},
            },
        },
        "dialog": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "start", "parties", "mediatype", "body", "encoding"],
                "properties": {
                    "type": {"enum": ["recording", "text", "transfer", "incomplete"]},
                    "start": {"type": "string", "format": "date-time"},
                    "duration": {"type": "number", "minimum": 0},
                    "parties": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                    "mediatype": {"const": "text/plain"},
                    "body": {"type": "string"},
                    "encoding": {"enum": ["none", "json", "base64url"]},
                },
            },
        },
        "analysis": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["type", "dialog", "vendor", "body", "encoding"],
                "properties": {
                    "type": {"enum": ["summary", "transcript", "translation", "sentiment", "tts"]},
                    "dialog": {"type": "array", "items": {"type": "integer", "minimum": 0}},
                    "mediatype": {"type": "string"},
                    "vendor": {"type": "string"},
                    "schema": {"type": "string"},
                    "body": {"type": "string", "contentMediaType": "application/json"},
                    "encoding": {"const": "json"},
                },
            },
        },
        "attachments": {"type": "array", "maxItems": 0},
    },
}
"""What of draft-ietf-vcon-vcon-core is used here."""


def said(text: str, start_ms: int, end_ms: int, role: Role = Role.AGENT, channel: int = 0, **more: Any) -> Segment:
    return Segment(
        segment_id=f"s{start_ms}-{channel}",
        channel=channel,
        role=role,
        start_ms=start_ms,
        end_ms=end_ms,
        text=text,
        **more,
    )


def transcript(*segments: Segment) -> StoredTranscript:
    return StoredTranscript(
        "call-1", segments, START, language="en", agent="ann", customer_id="c-1", duration_ms=4_000_000
    )


CARD = said(
    "it is [CARD] thanks",
    65_250,
    69_000,
    Role.CUSTOMER,
    1,
    words=(
        Word(text="it", start_ms=65_250, end_ms=65_400),
        Word(text="is", start_ms=65_400, end_ms=65_600),
        Word(text="[CARD]", start_ms=65_700, end_ms=68_000),
        Word(text="thanks", start_ms=68_200, end_ms=69_000),
    ),
    masked=(MaskedSpan(kind="card", start_ms=65_700, end_ms=68_000),),
)
TALK = transcript(said("Good morning", 400, 1_900), CARD)


def test_text_is_a_line_a_turn_with_time_and_role() -> None:
    assert as_txt(TALK) == "00:00  agent     Good morning\n01:05  customer  it is [CARD] thanks\n"


def test_subrip_numbers_its_cues_and_writes_times_with_a_comma() -> None:
    assert as_srt(TALK) == (
        "1\n00:00:00,400 --> 00:00:01,900\nAgent: Good morning\n\n"
        "2\n00:01:05,250 --> 00:01:09,000\nCustomer: it is [CARD] thanks\n\n"
    )


def test_webvtt_names_the_voice_and_writes_times_with_a_point() -> None:
    assert as_vtt(TALK) == (
        "WEBVTT\n\n1\n00:00:00.400 --> 00:00:01.900\n<v Agent>Good morning</v>\n"
        "\n2\n00:01:05.250 --> 00:01:09.000\n<v Customer>it is [CARD] thanks</v>\n"
    )


def test_an_hour_is_counted() -> None:
    assert "01:01:01,001 --> 01:01:02,000" in as_srt(transcript(said("late", 3_661_001, 3_662_000)))


def test_words_that_look_like_markup_are_words() -> None:
    marked = transcript(said("a < b & c <i>d</i> --> e\n\n2\n00:00 x", 0, 5_000))
    assert "<v Agent>a &lt; b &amp; c &lt;i&gt;d&lt;/i&gt; --&gt; e 2" in as_vtt(marked)
    assert as_vtt(marked).count("-->") == as_srt(marked).count("-->") == 1
    assert as_srt(marked).count("\n\n") == 1, "a blank line would end the cue"
    assert not set("<>") & set(as_srt(marked).partition("\n")[2].partition("\n")[2])


def test_text_cannot_steer_a_terminal() -> None:
    assert as_txt(transcript(said("\x1b[31mred\nline", 0, 1_000))) == "00:00  agent      [31mred line\n"


def test_a_speaker_without_a_role_is_told_by_the_channel() -> None:
    assert "<v Speaker 2>" in as_vtt(transcript(said("who", 0, 900, Role.UNKNOWN, 1)))


def test_a_long_turn_becomes_several_cues_of_two_short_lines_that_begin_with_their_words() -> None:
    words = [f"word{number:02}" for number in range(40)]
    timed = tuple(Word(text=word, start_ms=n * 500, end_ms=n * 500 + 400) for n, word in enumerate(words))
    found = cues([said(" ".join(words), 0, 20_000, words=timed)])
    assert [word for cue in found for line in cue.lines for word in line.split()] == words
    assert all(len(cue.lines) <= 2 and max(map(len, cue.lines)) <= 42 for cue in found)
    assert len(found) == 4
    assert [cue.start_ms for cue in found] == [words.index(cue.lines[0].split()[0]) * 500 for cue in found]
    assert all(one.end_ms == following.start_ms for one, following in pairwise(found))


def test_chinese_is_broken_where_a_line_is_full() -> None:
    found = cues([said("我想问一下这个套餐" * 6, 0, 10_000)])
    assert "".join(line for cue in found for line in cue.lines) == "我想问一下这个套餐" * 6
    assert max(len(line) for cue in found for line in cue.lines) == 21


def test_a_message_that_took_no_time_is_shown_as_long_as_one_reads_it() -> None:
    (cue,) = cues([said("x" * 40, 1_000, 1_000)])
    assert (cue.start_ms, cue.end_ms) == (1_000, 3_000)


TEXTS = st.text("ab <>&-\n话。", min_size=1, max_size=200)
SEGMENTS = st.lists(
    st.builds(
        lambda text, start, length, channel: said(text, start, start + length, channel=channel),
        TEXTS,
        st.integers(0, 20_000),
        st.integers(0, 8_000),
        st.integers(0, 1),
    ),
    max_size=12,
)


@given(SEGMENTS)
def test_subrip_is_well_formed_whatever_is_said_and_however_it_overlaps(segments: list[Segment]) -> None:
    text = as_srt(transcript(*segments))
    found = SRT_CUE.findall(text)
    assert "".join(match[0] for match in found) == "".join(str(number) for number in range(1, len(found) + 1))
    assert SRT_CUE.sub("", text) == "", "nothing stands outside of a cue"
    times = [[int(part) for part in match[1:9]] for match in found]
    spans = [
        (((h * 60 + m) * 60 + s) * 1_000 + ms, ((h2 * 60 + m2) * 60 + s2) * 1_000 + ms2)
        for h, m, s, ms, h2, m2, s2, ms2 in times
    ]
    assert all(start < end for start, end in spans)
    assert all(end <= following for (_, end), (following, _) in pairwise(spans))


@given(SEGMENTS)
def test_every_word_is_in_some_cue_which_lies_in_its_turn(segments: list[Segment]) -> None:
    found = cues(segments)
    shown = sorted(character for cue in found for line in cue.lines for character in line if character != " ")
    assert shown == sorted(character for one in segments for character in one.text if not character.isspace())
    assert len(one_by_one(found)) == len(found)
    assert all(any(one.start_ms <= cue.start_ms <= one.end_ms + 20_000 for one in segments) for cue in found)


def test_json_has_the_segments_as_they_are_stored() -> None:
    found = json.loads(as_json(TALK))
    assert found["call_id"] == "call-1"
    assert tuple(Segment.model_validate(one) for one in found["segments"]) == TALK.segments


def test_a_vcon_has_the_fields_of_its_draft() -> None:
    found = json.loads(as_vcon(TALK))
    jsonschema.validate(found, VCON_SCHEMA, format_checker=jsonschema.FormatChecker())
    assert found["parties"] == [
        {"role": "agent", "name": "ann", "validation": "none"},
        {"role": "customer", "name": "c-1", "validation": "none"},
    ]
    assert [(one["parties"], one["body"]) for one in found["dialog"]] == [
        ([0], "Good morning"),
        ([1], "it is [CARD] thanks"),
    ]
    assert datetime.fromisoformat(found["dialog"][1]["start"]) == START + timedelta(milliseconds=65_250)
    (analysis,) = found["analysis"]
    assert (analysis["type"], analysis["dialog"]) == ("transcript", [0, 1])
    body = json.loads(analysis["body"])
    assert tuple(Segment.model_validate(one) for one in body["segments"]) == TALK.segments


def test_the_same_call_gives_the_same_vcon_and_another_revision_another() -> None:
    def uuid(revision: int) -> str:
        return str(json.loads(as_vcon(StoredTranscript("call-1", (CARD,), START, revision=revision)))["uuid"])

    assert uuid(1) == uuid(1) != uuid(2)


@pytest.mark.parametrize("form", FORMATS)
def test_a_call_without_words_gives_an_empty_document(form: str) -> None:
    text = FORMATS[form](transcript())
    assert "None" not in text
    if form in {"json", "vcon"}:
        assert json.loads(text)["segments" if form == "json" else "dialog"] == []
    else:
        assert text == ("WEBVTT\n" if form == "vtt" else "")
