import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from speech import greeting, noise, sample_call, turns

from pipeline.asr.engine_pocketsphinx import PocketsphinxEngine, _recognition, build
from pipeline.errors import Poison, Retryable
from pipeline.ports import Speech, TimedWord
from pipeline.settings import AsrSettings

one_loop = pytest.mark.asyncio(loop_scope="module")
"""For tests that share the engine: where stretches wait, it belongs to one loop."""


@pytest.fixture(scope="module")
def engine() -> Iterator[PocketsphinxEngine]:
    started = build(AsrSettings(engine="pocketsphinx", workers=1))
    assert isinstance(started, PocketsphinxEngine)
    yield started
    asyncio.run(started.close())


PARENT = """
import asyncio
import numpy as np
from pipeline.asr.engine_pocketsphinx import PocketsphinxEngine
from pipeline.ports import Speech, TimedWord

async def main():
    engine = PocketsphinxEngine(workers=1)
    await engine.recognise([Speech(np.zeros(1600, np.float32), 16000)])
    print("ready", flush=True)
    await asyncio.sleep(600)

if __name__ == "__main__":
    asyncio.run(main())
"""


def children(process: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def decoders(process: int) -> list[int]:
    """The children that are alive and no helper of multiprocessing."""
    return [child for child in children(process) if "spawn_main" in command(child)]


def command(process: int) -> str:
    try:
        return Path(f"/proc/{process}/cmdline").read_text()
    except OSError:
        return ""


@one_loop
async def test_spans_become_words_in_their_order(engine: PocketsphinxEngine) -> None:
    results = await engine.recognise([Speech(noise(0.3, -60), 16_000, "en-US"), greeting()])
    assert len(results) == 2
    assert "good morning" in results[1].text
    assert await engine.recognise([]) == []


@one_loop
async def test_the_words_of_a_span_do_not_hang_on_what_was_heard_before_it(engine: PocketsphinxEngine) -> None:
    samples = sample_call()
    first, second = (Speech(samples[it["channel"], it["start_ms"] * 16 :][:20_000], 16_000) for it in turns()[:2])
    forward = await engine.recognise([first, second])
    assert await engine.recognise([second, first]) == forward[::-1]


@one_loop
async def test_a_language_other_than_english_is_poison_with_a_way_out(engine: PocketsphinxEngine) -> None:
    with pytest.raises(Poison, match="the call's language is zh") as caught:
        await engine.recognise([Speech(noise(1, -30), 16_000, "zh")])
    assert "CONVMINE_ASR_ENGINE" in str(caught.value.hint)


@one_loop
async def test_a_process_that_dies_is_retryable_and_the_next_call_has_a_new_one(engine: PocketsphinxEngine) -> None:
    await engine.recognise([Speech(noise(0.2, -60), 16_000)])
    (before,) = decoders(os.getpid())
    work = asyncio.ensure_future(engine.recognise([greeting()] * 20))
    await asyncio.sleep(0)  # the work is handed over
    os.kill(before, signal.SIGKILL)
    with pytest.raises(Retryable) as caught:
        await work
    assert caught.value.dependency == "pocketsphinx"
    assert "good morning" in (await engine.recognise([greeting()]))[0].text


@one_loop
async def test_a_hurried_span_goes_before_those_that_wait(engine: PocketsphinxEngine) -> None:
    ended: list[str] = []

    async def hear(name: str, speech: Speech) -> None:
        await engine.recognise([speech])
        ended.append(name)

    waiting = asyncio.gather(*(hear(f"span {number}", greeting()) for number in range(6)))
    await asyncio.sleep(0)
    await hear("hurried", replace(greeting(), hurried=True))
    assert "span 2" not in ended
    await waiting
    assert len(ended) == 7


async def test_closing_stops_the_processes_and_can_be_done_twice() -> None:
    engine = PocketsphinxEngine(workers=1)
    others = set(decoders(os.getpid()))
    await engine.recognise([Speech(noise(0.2, -60), 16_000)])
    assert set(decoders(os.getpid())) - others
    await engine.close()
    await engine.close()
    assert not set(decoders(os.getpid())) - others


def test_ctrl_c_does_not_reach_the_processes_and_a_killed_parent_leaves_none(tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(PARENT, encoding="utf-8")
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [sys.executable, str(program)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment
    ) as parent:
        try:
            assert parent.stdout is not None
            assert parent.stdout.readline() == b"ready\n"
            (child,) = decoders(parent.pid)
            ended = os.pidfd_open(child)
            os.kill(child, signal.SIGINT)
            assert select.select([ended], [], [], 0.2)[0] == []
        finally:
            parent.kill()
    assert select.select([ended], [], [], 30)[0] == [ended]
    os.close(ended)


def test_fillers_and_marks_of_pronunciation_are_no_words() -> None:
    spoken = "<s> [SPEECH] i read(2) <sil> the ++UM++ <sil> bill(3) </s>".split()  # noqa: SIM905 - as it is written
    found = [(word, 10 * index, 10 * index + 9) for index, word in enumerate(spoken)]
    result = _recognition(found, 16_000)
    assert result.text == "i read the bill"
    assert result.words[:2] == (TimedWord("i", 200, 300), TimedWord("read", 300, 400))
    assert _recognition([("<sil>", 0, 9), ("[NOISE]", 10, 19)], 16_000).text == ""


def test_a_last_word_ends_with_its_span() -> None:
    assert _recognition([("hello", 0, 120)], 8_000).words == (TimedWord("hello", 0, 500),)


@one_loop
async def test_the_words_of_a_span_have_the_times_at_which_they_were_said(engine: PocketsphinxEngine) -> None:
    speech = greeting()
    before, after = (np.zeros(int(seconds * 16_000), dtype=np.float32) for seconds in (1.0, 0.5))
    later = Speech(np.concatenate((before, speech.samples, after)), 16_000)
    (result,) = await engine.recognise([later])
    assert " ".join(word.text for word in result.words) == result.text
    starts = [word.start_ms for word in result.words]
    assert starts == sorted(starts)
    assert starts[0] >= 900
    assert result.words[-1].end_ms <= len(later.samples) / 16
