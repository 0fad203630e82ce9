"""2,000 mutated audio files: each gives audio or one clear reason, in bounded time and memory."""

from __future__ import annotations

import os
import random
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from audio_files import Original, mutated, originals
from decoding import Answer, Decoder

FILES = 2_000
SEED = int(os.environ.get("CONVMINE_FUZZ_SEED") or random.SystemRandom().randrange(1_000_000))
CHILDREN = 2


def made(number: int, known: list[Original], folder: Path) -> Path:
    """The file of this number; of one seed they differ by the serial numbers alone that encoders of Ogg draw."""
    chance = random.Random(f"{SEED}-{number}")
    original = known[number % len(known)]
    path = folder / f"{number:04d}-{original.name}"
    path.write_bytes(mutated(original.content, [it.content for it in known], chance))
    return path


def decoded(numbers: range, known: list[Original], folder: Path) -> dict[str, Answer]:
    """What became of these files; those with a fault are left where they are."""
    decoder, found = Decoder(), dict[str, Answer]()
    try:
        for number in numbers:
            path = made(number, known, folder)
            answer = found[str(path)] = decoder.answer(path)
            if not answer.fault:
                path.unlink()
    finally:
        decoder.close()
    return found


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> list[Original]:
    return originals(tmp_path_factory.mktemp("originals"))


def test_the_files_that_are_mutated_are_all_audio(known: list[Original], tmp_path: Path) -> None:
    decoder = Decoder()
    try:
        for original in known:
            (tmp_path / original.name).write_bytes(original.content)
            assert decoder.answer(tmp_path / original.name).said == "audio", original.name
    finally:
        decoder.close()


@pytest.mark.timeout(900)
def test_every_mutated_file_gives_audio_or_a_reason_in_bounded_time_and_memory(
    known: list[Original], tmp_path: Path
) -> None:
    sys.stdout.write(f"CONVMINE_FUZZ_SEED={SEED}\n")
    with ThreadPoolExecutor(CHILDREN) as threads:
        shares = [range(first, FILES, CHILDREN) for first in range(CHILDREN)]
        found = {
            path: it
            for share in threads.map(decoded, shares, [known] * 2, [tmp_path] * 2)
            for path, it in share.items()
        }
    assert len(found) == FILES
    faults = {path: it.fault for path, it in found.items() if it.fault}
    assert faults == {}, f"CONVMINE_FUZZ_SEED={SEED}; the files are left in {tmp_path}"
    kinds = Counter(it.said.partition(" ")[0] for it in found.values())
    assert kinds["audio"] > FILES / 10
    assert kinds["poison"] > FILES / 10
    longest, most = max(it.seconds for it in found.values()), max(it.peak_bytes for it in found.values())
    sys.stdout.write(f"{dict(kinds)}, longest {longest:.2f} s, most memory {most / 1e6:.0f} MB\n")
