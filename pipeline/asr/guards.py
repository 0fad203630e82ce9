"""Words that a model made up: rules that need only the words, the sound and how long it lasts.

Speech models that were trained on subtitles write when nobody speaks: credits, thanks for watching, loops, their own
prompt. See Koenecke et al., "Careless Whisper" (FAccT 2024), and Barański et al., "Investigation of Whisper ASR
Hallucinations Induced by Non-Speech Audio" (arXiv 2501.11378), whose remedies, a list of phrases and taking out loops,
are two of these rules.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipeline.ports import Recognition, Samples, Speech

SILENT_DB: Final = -62.0
"""RMS of the loudest 50 ms in dB of full scale, below which nothing is heard; the floor of ``pipeline.asr.vad`` too."""
FAINT_DB: Final = -45.0
"""The same, below which hardly anything is: words that models are known to make up are not believed there."""
NEARLY_SILENT_DB: Final = -55.0
"""The same, below which not even a "thank you" is believed."""
SHORT_S: Final = 0.6
"""Farewells of videos are not believed either in so little time: nobody says the shortest of them in it."""
FASTEST_PER_S: Final = 11.0
"""Words, or Chinese characters, a second: the fastest talker on record in English made 655 a minute, Mandarin is spoken
at 5.2 syllables a second (Pellegrino et al., Language 87, 2011)."""
_AT_ONCE: Final = 4  # words more, as voice activity detection cuts off beginnings and ends
MAX_COMPRESSION: Final = 2.4
"""Bytes of the text for each of it compressed by zlib, as in ``whisper.transcribe``."""
_TELLING_BYTES: Final = 120  # a shorter text says too little about how far it can be compressed
_LONGEST_LOOP: Final = 20  # words that repeat as one piece
_LONGEST_NUMBER: Final = 20  # digits; people do read out "zero zero zero zero", and up to 19 of a card's digits
_ECHOED_TERMS: Final = 6  # an agent may well list four plans, and in the order of the prompt
_BLOCK_S: Final = 0.05

_APOSTROPHE: Final = re.compile(r"['\u2019]")
# Ideographs and kana count one by one, and everything else by words.
_UNIT: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff]|[^\W_\u3400-\u9fff\uf900-\ufaff\u3040-\u30ff]+")


def _phrases(lines: str) -> frozenset[str]:
    """Phrases parted by bars and line ends, each without its spaces."""
    return frozenset(phrase.replace(" ", "") for phrase in lines.strip().replace("\n", "|").split("|"))


_NUMBERS: Final = _phrases("""
zero|oh|o|nought|one|two|three|four|five|six|seven|eight|nine|ten|double|triple|hundred|thousand
零|\u3007|一|二|两|三|四|五|六|七|八|九|幺|十|百|千|万
""")
# Names of those who subtitle: no caller says them, however loud.
_CREDITS: Final = _phrases("""
amara org|zeoranger|castingwords|opensubtitles|yoyo television series
明镜与点点|明鏡與點點|字幕志愿者|字幕志願者
""")
# How videos end, which a caller could say; compared as whole texts.
_FAREWELLS: Final = _phrases("""
thank you for watching|thanks for watching|thank you so much for watching|thank you very much for watching
thank you for watching this video|thank you for watching my video|thank you for watching our video
thanks for watching and ill see you next time|thanks for watching see you next time|see you in the next video
please subscribe|please subscribe to my channel|please subscribe to the channel|subscribe to my channel
like and subscribe|please like and subscribe|dont forget to like and subscribe|thank you for listening
谢谢观看|感谢观看|谢谢大家观看|谢谢您的观看|感谢您的观看|感谢大家的观看|谢谢收看|感谢收看|谢谢收听|感谢收听
謝謝觀看|感謝觀看|謝謝大家觀看|感謝您的觀看|謝謝收看|請訂閱|請不吝點贊訂閱轉發打賞支持|下期再見
请订阅|请点赞订阅|请不吝点赞订阅转发打赏支持|下期再见|我们下期再见|中文字幕提供|中文字幕由
字幕by索兰娅|字幕製作貝爾|优优独播剧场|優優獨播劇場|作词作曲李宗盛|词曲李宗盛
ご視聴ありがとうございました|ご清聴ありがとうございました|チャンネル登録お願いします|次の動画でお会いしましょう
""")
# What models write most of all when they hear nothing, and what callers say: only silence speaks against it.
_COURTESIES: Final = _phrases(
    "you|thank you|thank you very much|bye|bye bye|so|谢谢|謝謝|谢谢大家|再见|ありがとうございました"
)


@dataclass(frozen=True, slots=True)
class _Heard:
    """A text as units (words, or characters of Chinese and Japanese), and the sound that it is said to be in."""

    units: tuple[str, ...]
    seconds: float
    level_db: float
    prompted: tuple[tuple[str, ...], ...]


def without_phantoms(recognition: Recognition, speech: Speech) -> Recognition:
    """What was recognised, without text and words, and with ``cut`` set, where it is taken for a phantom.

    ``cut`` is one of ``silence`` (nothing is loud enough to be a voice), ``speed`` (more words than anybody can say in
    the time), ``known_phantom`` (a credit of subtitles; a farewell of videos where it is short or faint), ``prompt``
    (the vocabulary, read back), ``compression`` and ``repetition`` (a loop). What an engine cut stays so.
    """
    if recognition.cut is not None or not recognition.text:
        return recognition
    heard = _Heard(
        _units(recognition.text),
        len(speech.samples) / speech.sample_rate_hz,
        loudest_db(speech.samples, speech.sample_rate_hz),
        tuple(_units(term) for term in speech.vocabulary),
    )
    reason = next((reason for reason, holds in _RULES if holds(heard)), None)
    return recognition if reason is None else Recognition("", language=recognition.language, cut=reason)


def loudest_db(samples: Samples, sample_rate_hz: int) -> float:
    """RMS of the loudest 50 ms in dB of full scale; of all where it is shorter."""
    if not len(samples):
        return -120.0
    block = max(1, min(len(samples), int(_BLOCK_S * sample_rate_hz)))
    blocks = samples[: len(samples) // block * block].reshape(-1, block)
    power = np.einsum("ij,ij->i", blocks, blocks, dtype=np.float64) / block
    return float(10.0 * np.log10(power.max() + 1e-12))


def _units(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return tuple(_UNIT.findall(_APOSTROPHE.sub("", plain)))


def _is_silent(heard: _Heard) -> bool:
    return heard.level_db < SILENT_DB


def _is_too_fast(heard: _Heard) -> bool:
    return len(heard.units) > _AT_ONCE + FASTEST_PER_S * heard.seconds


def _is_known(heard: _Heard) -> bool:
    joined = "".join(heard.units)
    if any(name in joined for name in _CREDITS):
        return True
    if joined in _COURTESIES:
        return heard.level_db < NEARLY_SILENT_DB
    return joined in _FAREWELLS and (heard.level_db < FAINT_DB or heard.seconds < SHORT_S)


def _echoes_prompt(heard: _Heard) -> bool:
    """Whether it is nothing but many terms of the vocabulary, in their order."""
    terms = heard.prompted
    for first in range(len(terms) - _ECHOED_TERMS + 1):
        said = 0
        for count, term in enumerate(terms[first:], start=1):
            if heard.units[said : said + len(term)] != term:
                break
            said += len(term)
            if said == len(heard.units) and count >= _ECHOED_TERMS:
                return True
    return False


def _compresses(heard: _Heard) -> bool:
    """Numbers are left out of account: they repeat themselves when nothing is wrong."""
    data = " ".join(unit for unit in heard.units if not _is_number(unit)).encode()
    return len(data) >= _TELLING_BYTES and len(data) / len(zlib.compress(data)) > MAX_COMPRESSION


def _repeats(heard: _Heard) -> bool:
    """Whether half of it or more is one piece again and again: a word 12 times, two 7 times, five or more 4 times."""
    return any(2 * length >= len(heard.units) for length in _loops(heard.units))


def _loops(units: Sequence[str]) -> Iterator[int]:
    """How many units each loop has, all its rounds together."""
    for size in range(1, min(_LONGEST_LOOP, len(units) // 4) + 1):
        rounds_wanted = max(4, -(-10 // size) + 2)
        start = 0
        while start + size * rounds_wanted <= len(units):
            end = start + size
            while end < len(units) and units[end] == units[end - size]:
                end += 1
            rounds, length = (end - start) // size, end - start
            is_number = all(map(_is_number, units[start : start + size]))
            if rounds >= rounds_wanted and (not is_number or length > _LONGEST_NUMBER):
                yield length
            start = max(start + 1, end - size + 1)


def _is_number(unit: str) -> bool:
    return unit in _NUMBERS or unit.isdigit()


_RULES: Final = (
    ("silence", _is_silent),
    ("speed", _is_too_fast),
    ("known_phantom", _is_known),
    ("prompt", _echoes_prompt),
    ("compression", _compresses),
    ("repetition", _repeats),
)
