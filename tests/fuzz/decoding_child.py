"""Decodes the files that it is told of on standard input, one path a line, and says of each what became of it.

It is a process of its own so that a crash of a native library ends it and not the tests. By hand, with what the
library says: ``PYTHONPATH=.:tests python -X faulthandler tests/fuzz/decoding_child.py <<< FILE``.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path
from time import perf_counter

from resident import own_peak_bytes

from pipeline.asr.decode import Limits, decoding
from pipeline.errors import Poison

LIMITS = Limits(max_duration_s=20, convert_s=6)


def outcome(path: Path) -> str:
    """``audio``, ``poison`` and its reason, or what else was raised."""
    try:
        with decoding(path, sample_rate_hz=16_000, limits=LIMITS) as found:
            frames = sum(len(block) for block in found.blocks)
    except Poison as error:
        return f"poison {error.message}" if error.message.isprintable() else f"unclear {error.message!r}"
    except Exception as error:  # noqa: BLE001 - whatever it is, the test names it
        return f"raised {type(error).__name__}: {' '.join(str(error).split())}"
    return "audio" if frames else "nothing"


def peak_bytes() -> int:
    """The most memory that this process, or an ffmpeg that it started, has had."""
    unit = 1 if sys.platform == "darwin" else 1_024
    return max(own_peak_bytes(), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * unit)


def main() -> None:
    """Answer each path with seconds, peak of memory in bytes and outcome, until standard input ends."""
    for line in sys.stdin:
        began = perf_counter()
        said = outcome(Path(line.rstrip("\n")))
        print(f"{perf_counter() - began:.3f}\t{peak_bytes()}\t{said}", flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
