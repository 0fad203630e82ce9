"""How long a steady line waits, by the formulas."""

from __future__ import annotations

import numpy as np

from pipeline.sizing.queueing import erlang_c, mean_wait_s


def average_wait_s(servers: int, use: float, service_s: float = 1.0, cv: float = 1.0) -> float:
    """The seconds before service, on average over those who wait and those who need not."""
    return erlang_c(servers, servers * use) * float(mean_wait_s(servers, np.array(use), service_s, cv))
