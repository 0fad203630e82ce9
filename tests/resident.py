"""How much memory a process has had at most, counted from its own start."""

from __future__ import annotations

import resource
import sys
from pathlib import Path


def own_peak_bytes() -> int:
    """The most that this process has had. On Linux ``ru_maxrss`` would begin with what its parent had."""
    if sys.platform == "darwin":
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = (it for it in Path("/proc/self/status").read_text().splitlines() if it.startswith("VmHWM:"))
    return int(line.split()[1]) * 1_024
