import csv
import json
import os
import zipfile
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from speech import greeting, noise, sample_call, turns

from pipeline.asr.guards import loudest_db, without_phantoms
from pipeline.ports import Recognition, Speech, TimedWord

EVAL_DATA = os.environ.get("CONVMINE_EVAL_DATA")
TERMS = ("home internet", "premium plan", "family plan", "basic plan", "smart plan", "day pass", "blue sky")


def cut_of(text: str, seconds: float = 10.0, level_db: float = -25.0, vocabulary: tuple[str, ...] = ()) -> str | None:
    speech = Speech(noise(seconds, level_db), 16_000, vocabulary=vocabulary)
    result = without_phantoms(Recognition(text, 0.9, "en", (TimedWord("x", 0, 1),)), speech)
    if result.cut is None:
        assert result == Recognition(text, 0.9, "en", (TimedWord("x", 0, 1),))
    else:
        assert result == Recognition("", None, "en", (), result.cut)
    return result.cut


@pytest.mark.parametrize(
    ("text", "seconds", "level_db", "reason"),
    [
        ("I would like to cancel.", 2.0, -70.0, "silence"),
        ("谢谢。", 1.0, -70.0, "silence"),
        (" ".join(f"word{number}" for number in range(40)), 0.5, -25.0, "speed"),
        ("我想把我的套餐取消掉因为我觉得实在是太贵了", 1.0, -25.0, "speed"),
        ("Thank you for watching!", 5.0, -50.0, "known_phantom"),
        ("Thanks for watching!", 0.5, -25.0, "known_phantom"),
        ("Don't forget to like and subscribe.", 3.0, -48.0, "known_phantom"),
        ("謝謝觀看", 2.0, -50.0, "known_phantom"),
        ("ご視聴ありがとうございました", 3.0, -50.0, "known_phantom"),
        ("Thank you.", 1.0, -58.0, "known_phantom"),
        ("Subtitles by the Amara.org community", 5.0, -20.0, "known_phantom"),
        ("字幕由Amara.org社区提供", 5.0, -20.0, "known_phantom"),
        ("请不吝点赞 订阅 转发 打赏支持明镜与点点栏目", 5.0, -20.0, "known_phantom"),
        ("no " * 12, 10.0, -25.0, "repetition"),
        ("thank you " * 7, 10.0, -25.0, "repetition"),
        ("I'm going to be there. " * 4, 10.0, -25.0, "repetition"),
        ("So I said that the and and and and and and and and and and and and and", 10.0, -25.0, "repetition"),
        ("对" * 12, 10.0, -25.0, "repetition"),
        ("我觉得太贵了。" * 4, 10.0, -25.0, "repetition"),
        ("zero " * 21, 10.0, -25.0, "repetition"),
        ("Thank you, Mr. President. " * 10, 30.0, -25.0, "compression"),
        ("这是一个很好的产品。" * 12, 30.0, -25.0, "compression"),
    ],
)
def test_what_nobody_said_is_cut_with_its_reason(text: str, seconds: float, level_db: float, reason: str) -> None:
    assert cut_of(text, seconds, level_db) == reason


@pytest.mark.parametrize(
    ("text", "seconds", "level_db"),
    [
        ("Thank you.", 0.4, -25.0),
        ("Thank you.", 0.6, -45.0),
        ("Thank you. Bye bye.", 1.0, -40.0),
        ("谢谢。", 0.4, -45.0),
        ("谢谢观看这次演示。再见。", 3.0, -50.0),
        ("Thank you for waiting.", 1.0, -48.0),
        ("Thank you for watching my house while I was away.", 3.0, -48.0),
        ("Thank you for watching.", 1.5, -25.0),
        ("Do you offer subtitles in Chinese?", 2.0, -40.0),
        ("你们的电视有中文字幕吗。", 2.0, -40.0),
        ("no no no no no no", 2.0, -25.0),
        ("bye bye bye bye bye bye", 2.0, -25.0),
        ("对对对对对对对对", 2.0, -25.0),
        ("喂喂喂。听得到吗。听得到吗。听得到吗。", 4.0, -25.0),
        ("can you hear me can you hear me can you hear me", 4.0, -25.0),
        ("thank you thank you thank you so much", 2.0, -25.0),
        ("my card is four two four two four two four two four two four two four two four two", 10.0, -25.0),
        ("zero zero zero zero zero zero zero zero", 4.0, -25.0),
        ("一三八八八八八八八八八", 4.0, -25.0),
        ("My number is 0000 0000 0000 0000.", 6.0, -25.0),
        ("yes okay got it so that is all right then thanks", 1.0, -25.0),
        ("好的好的那就这样吧再见谢谢您", 1.0, -25.0),
        ("Okay.", 0.1, -25.0),
    ],
)
def test_what_people_do_say_stays(text: str, seconds: float, level_db: float) -> None:
    assert cut_of(text, seconds, level_db) is None


def test_a_vocabulary_that_is_read_back_is_cut_and_a_list_of_plans_stays() -> None:
    assert (
        cut_of("Home internet, premium plan, family plan, basic plan, smart plan, day pass", vocabulary=TERMS)
        == "prompt"
    )
    assert cut_of("premium plan, family plan, basic plan, smart plan", vocabulary=TERMS) is None
    assert cut_of("home internet premium plan family plan basic plan smart plan day trips", vocabulary=TERMS) is None


def test_what_an_engine_has_cut_itself_or_heard_nothing_in_is_left_alone() -> None:
    silence = Speech(noise(1.0, -70), 16_000)
    for recognition in (Recognition("", cut="no_speech"), Recognition("")):
        assert without_phantoms(recognition, silence) is recognition


@pytest.mark.parametrize("samples", [0, 1, 100, 16_000])
def test_a_stretch_of_any_length_has_a_level(samples: int) -> None:
    assert loudest_db(np.full(samples, 0.1, dtype=np.float32), 16_000) == pytest.approx(-20.0 if samples else -120.0)


def test_one_loud_word_in_a_long_silence_is_no_silence() -> None:
    samples = noise(20.0, -80)
    samples[160_000:161_600] = noise(0.1, -30)
    assert without_phantoms(Recognition("yes"), Speech(samples, 16_000)).cut is None


@given(st.text(max_size=400), st.floats(0.0, 30.0), st.floats(-90.0, 0.0))
def test_any_text_is_either_left_as_it_is_or_cut_with_a_reason(text: str, seconds: float, level_db: float) -> None:
    speech = Speech(np.full(int(seconds * 100), 10 ** (level_db / 20), dtype=np.float32), 100)
    recognition = Recognition(text, 0.5)
    result = without_phantoms(recognition, speech)
    assert result is recognition or (result.text == "" and result.cut)


def test_no_turn_of_a_sample_call_is_cut() -> None:
    for turn in turns():
        samples = sample_call()[turn["channel"], turn["start_ms"] * 16 : turn["end_ms"] * 16]
        assert without_phantoms(Recognition(turn["text"]), Speech(samples, 16_000)).cut is None
    assert without_phantoms(Recognition("good morning"), greeting()).cut is None


@pytest.mark.skipif(EVAL_DATA is None, reason="skipped: no evaluation data")
def test_of_the_reference_texts_at_most_one_in_ten_thousand_is_cut() -> None:
    """As if each were said at 16 bytes a second (three words, or five characters of Chinese), and loud enough."""
    loud = np.full(240_000, 0.1, dtype=np.float32)
    texts = [text for text in _reference_texts(Path(str(EVAL_DATA))) if text]
    cut = [
        text
        for text in texts
        if without_phantoms(Recognition(text), Speech(loud[: 8_000 * max(1, len(text.encode()) // 16)], 8_000)).cut
    ]
    assert len(texts) > 10_000
    assert len(cut) <= len(texts) / 10_000, cut[:10]


@pytest.mark.skipif(EVAL_DATA is None, reason="skipped: no evaluation data")
def test_no_segment_of_a_real_phone_call_is_cut() -> None:
    from pipeline.asr.decode import Limits, decode

    folder = Path(str(EVAL_DATA)) / "phone" / "hvb"
    checked = 0
    for file in sorted(folder.glob("*.json")):
        for segment in json.loads(file.read_text(encoding="utf-8"))["segs"]:
            side = folder / f"{segment['role']}_{file.stem}.wav"
            if not side.exists():
                continue
            samples = decode(side, sample_rate_hz=16_000, limits=Limits(3_600)).samples[0]
            start, end = segment["start_ms"] * 16, (segment["start_ms"] + segment["dur_ms"]) * 16
            assert without_phantoms(Recognition(segment["text"]), Speech(samples[start:end], 16_000)).cut is None
            checked += 1
    assert checked > 10


def _reference_texts(folder: Path) -> Iterator[str]:
    """What customers and agents said or wrote, in English and Chinese, in pieces of at most 80 words."""
    dialogues = folder / "dialogues"
    for file in sorted(dialogues.glob("banking77/*.csv")):
        yield from (row["text"] for row in csv.DictReader(file.open(encoding="utf-8")))
    for file in sorted(dialogues.glob("multidogo/*/*.tsv")):
        rows = csv.DictReader(file.open(encoding="utf-8"), delimiter="\t", quoting=csv.QUOTE_NONE)
        yield from (row["utterance"] or "" for row in rows)
    for file in sorted(dialogues.glob("sgd/dialogues_*.json")):
        for dialogue in json.loads(file.read_text(encoding="utf-8")):
            yield from (turn["utterance"] for turn in dialogue["turns"])
    with zipfile.ZipFile(dialogues / "crosswoz" / "val.json.zip") as archive:
        for dialogue in json.loads(archive.read("val.json")).values():
            yield from (message["content"] for message in dialogue["messages"])
    with zipfile.ZipFile(dialogues / "ms_ckm" / "calltranscripts_2024.zip") as archive:
        for name in archive.namelist():
            words = iter(json.loads(archive.read(name)).get("Content", "").split())
            while piece := list(islice(words, 80)):
                yield " ".join(piece)
