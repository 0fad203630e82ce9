"""Measurements, each run from a checkout: ``pip install -e '.[bench]'``, then ``python -m benchmarks.NAME --json``."""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# The broker and the stand-ins that the tests start serve here too; tests are no installed package.
sys.path += [
    str(ROOT / "tests" / folder)
    for folder in (".", "end_to_end", "chaos", "pipeline/asr", "workers/dashboard/insights")
]
