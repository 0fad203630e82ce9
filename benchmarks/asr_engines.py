"""What decoding many spans as one batch gains over one by one, with Whisper models of real sizes and random weights.

Random weights cost what trained ones do, step by step, but never end an answer: each span is decoded for exactly the
number of tokens it is allowed (224, half of the model's context, is Whisper's own limit; ten seconds of speech have
about 30). The longer the answers, the more a batch gains, because the encoder gains little. The two libraries cannot be
compared with each other here: the model of faster-whisper has a smaller vocabulary.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import click
import numpy as np
from tiny_whisper import ctranslate2_model

from benchmarks.report import NOT_RUN, Figure, Figures, Report, machine
from pipeline.asr.engine_faster_whisper import FasterWhisperEngine
from pipeline.asr.engine_whisper import WhisperEngine
from pipeline.asr.engine_whisper_words import compile_alignment
from pipeline.ports import AsrEngine, Speech

GOAL: Final = 2.5
"""openai-whisper on the CPU: a batch of eight, in multiples of one by one."""
BATCH: Final = 8
TOKENS: Final = (32, 224)
SPAN_S: Final = 10
GPU_BATCHES: Final = (8, 16, 32)
_VOCABULARY: Final = 51_865


@dataclass(frozen=True, slots=True)
class Size:
    """The dimensions of a Whisper model, as OpenAI published them."""

    mels: int
    width: int
    heads: int
    encoder_layers: int
    decoder_layers: int


@dataclass(frozen=True, slots=True)
class Taken:
    """Seconds by the clock, and of all CPUs together."""

    clock_s: float
    cpu_s: float


SIZES: Final = {
    "tiny": Size(80, 384, 6, 4, 4),
    "base": Size(80, 512, 8, 6, 6),
    "small": Size(80, 768, 12, 12, 12),
    "large-v3-turbo": Size(128, 1280, 20, 32, 4),
}
ON_CPU: Final = ("tiny", "base")
ON_GPU: Final = ("small", "large-v3-turbo")

Built = Callable[[int], AsrEngine]


@click.command()
@click.option("--json", "as_json", is_flag=True)
@click.option("--size", "sizes", multiple=True, type=click.Choice(ON_CPU), default=ON_CPU, help="On the CPU.")
@click.option("--tokens", multiple=True, type=int, default=TOKENS, show_default=True, help="Of one span's answer.")
def main(*, as_json: bool, sizes: tuple[str, ...], tokens: tuple[int, ...]) -> None:
    """Compare on the CPU, and on a CUDA device where torch finds one.

    The ratio is the least of openai-whisper's sizes with the longest answers, by the clock; gains in CPU time stand
    beside it, as on a busy machine the clock tells more about the others.
    """
    import torch

    compile_alignment()
    whisper = {
        f"{size}, {count} tokens": _compared(_openai(SIZES[size], "cpu", count), (BATCH,))
        for size in sizes
        for count in tokens
    }
    ratio = min(float(str(whisper[f"{size}, {max(tokens)} tokens"][f"batch_{BATCH}_gains"])) for size in sizes)
    figures: dict[str, Figure | Figures] = {
        "spans_s": SPAN_S,
        "torch_threads": torch.get_num_threads(),
        "whisper_cpu": whisper,
        "faster_whisper_cpu": {
            f"{sizes[0]}, {count} tokens": _compared(_faster(SIZES[sizes[0]], count), (BATCH,)) for count in tokens
        },
        "whisper_cuda_fp16": _on_gpu(tokens) if torch.cuda.is_available() else NOT_RUN,
    }
    Report("asr_engines", ratio, GOAL, figures, machine()).show(as_json=as_json)


def _on_gpu(tokens: Sequence[int]) -> Figures:
    import torch

    return {
        "device": torch.cuda.get_device_name(),
        **{
            f"{size}, {count} tokens": _compared(_openai(SIZES[size], "cuda", count), GPU_BATCHES)
            for size in ON_GPU
            for count in tokens
        },
    }


def _compared(built: Built, batches: Sequence[int]) -> dict[str, Figure]:
    """Audio seconds a second one by one and in each size of batch, all over the same spans, after a warm-up."""
    spans = [_noise(seed) for seed in range(max(batches))]
    asyncio.run(_taken(built(1), spans[:1]))
    alone = asyncio.run(_taken(built(1), spans))
    figures: dict[str, Figure] = {"one_by_one_audio_s_per_s": round(SPAN_S * len(spans) / alone.clock_s, 2)}
    for batch in batches:
        together = asyncio.run(_taken(built(batch), spans))
        figures[f"batch_{batch}_audio_s_per_s"] = round(SPAN_S * len(spans) / together.clock_s, 2)
        figures[f"batch_{batch}_gains"] = round(alone.clock_s / together.clock_s, 2)
        figures[f"batch_{batch}_gains_cpu"] = round(alone.cpu_s / together.cpu_s, 2)
    return figures


async def _taken(engine: AsrEngine, spans: Sequence[Speech]) -> Taken:
    clock, cpu = time.perf_counter(), time.process_time()
    await engine.recognise(spans)
    taken = Taken(time.perf_counter() - clock, time.process_time() - cpu)
    await engine.close()
    return taken


def _noise(seed: int) -> Speech:
    samples = np.random.default_rng(seed).standard_normal(SPAN_S * 16_000).astype(np.float32) * 0.1
    return Speech(samples, 16_000, "en")


def _openai(size: Size, device: str, tokens: int) -> Built:
    import torch
    from whisper.model import ModelDimensions, Whisper

    torch.manual_seed(0)
    sides = (size.width, size.heads, size.encoder_layers), (size.width, size.heads, size.decoder_layers)
    model: Any = Whisper(ModelDimensions(size.mels, 1_500, *sides[0], _VOCABULARY, 448, *sides[1]))
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.05)
    model = model.to(device).eval()
    return lambda batch: WhisperEngine(model, name="random", batch=batch, temperatures=(), longest=tokens)


def _faster(size: Size, tokens: int) -> Built:
    from faster_whisper import WhisperModel

    with tempfile.TemporaryDirectory() as folder:
        path = ctranslate2_model(Path(folder) / "model", width=size.width, layers=size.decoder_layers, heads=size.heads)
        model = WhisperModel(str(path), device="cpu")
    return lambda batch: FasterWhisperEngine(model, name="random", batch=batch, longest=tokens)


if __name__ == "__main__":
    main()
