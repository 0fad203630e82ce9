import json
from pathlib import Path

import pytest

from pipeline.evaluate.asr_references import Reference, ReferencesUnreadable, read_references, sample_calls
from schemas.wire import Role


def test_the_sample_calls_are_references_by_channel_with_the_held_out_ones_marked() -> None:
    found = read_references(sample_calls())
    assert len(found) >= 16
    assert {it.channel for it in found} == {0, 1}
    assert {it.role for it in found} == {Role.AGENT, Role.CUSTOMER}
    assert {it.held_out for it in found} == {True, False}
    assert all(it.audio.is_file() and it.language == "en" for it in found)


def test_a_calls_channel_has_the_text_of_its_turns_in_order_of_start(tmp_path: Path) -> None:
    (tmp_path / "a.ogg").touch()
    turns = [
        {"channel": 1, "start_ms": 900, "text": "third"},
        {"channel": 0, "start_ms": 500, "text": "second"},
        {"channel": 1, "start_ms": 100, "text": "first"},
    ]
    channels = [{"index": 0, "role": "agent"}, {"index": 1, "role": "customer"}]
    (tmp_path / "a.json").write_text(json.dumps({"call_id": "call-a", "channels": channels, "turns": turns}))
    assert read_references(tmp_path) == [
        Reference("call-a", tmp_path / "a.ogg", "second", 0, Role.AGENT),
        Reference("call-a", tmp_path / "a.ogg", "first third", 1, Role.CUSTOMER),
    ]


def test_a_folder_of_audio_with_text_beside_it_is_read_and_what_is_alone_is_left(tmp_path: Path) -> None:
    for name in ("b.wav", "a.flac", "alone.wav"):
        (tmp_path / name).touch()
    for name in ("b.txt", "a.txt", "also-alone.txt"):
        (tmp_path / name).write_text(f"words of {name}", encoding="utf-8")
    assert [(it.call_id, it.audio.name, it.text) for it in read_references(tmp_path)] == [
        ("a", "a.flac", "words of a.txt"),
        ("b", "b.wav", "words of b.txt"),
    ]


@pytest.mark.parametrize(
    ("audio", "call_id", "role"),
    [
        ("agent_17.wav", "17", Role.AGENT),
        ("17_Caller.wav", "17", Role.CUSTOMER),
        ("17.customer.flac", "17", Role.CUSTOMER),
        ("agent.wav", "calls", Role.AGENT),
        ("agency.wav", "agency", Role.UNKNOWN),
    ],
)
def test_one_file_a_side_is_told_by_its_name(tmp_path: Path, audio: str, call_id: str, role: Role) -> None:
    path = tmp_path / "calls" / audio
    path.parent.mkdir()
    path.touch()
    path.with_suffix(".ref.txt").write_text("hello")
    assert read_references(tmp_path) == [Reference(call_id, path, "hello", role=role)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("trans.txt", "\ufeffa.wav\tHi, you\nb.wav\tAnd you\n"),
        ("17-2.trans.txt", "a Hi, you\n\nb And you\n"),
        ("transcription", "<s> Hi, you </s> (a)\n And you (b)\n"),
    ],
)
def test_a_list_of_names_and_words_is_read_with_the_language_of_its_folder(
    tmp_path: Path, name: str, content: str
) -> None:
    folder = tmp_path / "azure_en-US"
    folder.mkdir()
    for audio in ("a.wav", "b.wav"):
        (folder / audio).touch()
    (folder / name).write_text(content, encoding="utf-8")
    wanted = [
        Reference(text[0], folder / f"{text[0]}.wav", text[1], language="en-US")
        for text in (("a", "Hi, you"), ("b", "And you"))
    ]
    assert read_references(tmp_path) == wanted
    assert read_references(folder / name) == wanted


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("refs.jsonl", '{"audio": "x/a.wav", "text": "Hi, you", "channel": 1, "role": "agent"}\n\n'),
        ("refs.tsv", "audio\ttext\tchannel\trole\nx/a.wav\tHi, you\t1\tagent\n"),
        ("refs.csv", 'audio,text,channel,role\nx/a.wav,"Hi, you",1,agent\n'),
    ],
)
def test_a_file_of_references_is_read_with_audio_relative_to_it(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    assert read_references(tmp_path / name) == [Reference("a", tmp_path / "x" / "a.wav", "Hi, you", 1, Role.AGENT)]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("refs.jsonl", '{"audio": "a.wav"}', "entry 1 needs the fields audio and text"),
        ("refs.jsonl", '["a.wav", "text"]', "entry 1 needs"),
        ("refs.jsonl", "a.wav\ttext", "no JSONL"),
        ("refs.tsv", "file\ttext\na.wav\thello\n", "entry 1 needs"),
        ("refs.jsonl", "", "holds no references"),
        ("trans.txt", "away.wav\thello\n", "line 1 names no audio beside it"),
    ],
)
def test_a_file_of_another_form_is_an_error_that_says_what_is_expected(
    tmp_path: Path, name: str, content: str, reason: str
) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ReferencesUnreadable, match=reason):
        read_references(tmp_path / name)


def test_a_call_without_turns_is_an_error_naming_the_file(tmp_path: Path) -> None:
    (tmp_path / "a.ogg").touch()
    (tmp_path / "a.json").write_text('{"call_id": "a"}', encoding="utf-8")
    with pytest.raises(ReferencesUnreadable, match=r"a\.json is no call"):
        read_references(tmp_path)
