"""``convmine doctor``: what is installed, reachable and configured, and for what is missing the stages and the fix."""

from __future__ import annotations

import sys

import click

from pipeline.settings import load
from workers.cli.output import json_option, print_json, print_table


@click.command("doctor")
@json_option
def doctor(*, as_json: bool) -> None:
    """Say what is installed, reachable and configured; exit 1 if a configured part is missing."""
    from workers.diagnosis import diagnose

    findings = diagnose(load())
    if as_json:
        items = [
            {"part": f.part, "state": f.state, "detail": f.detail, "stages": list(f.stages), "fix": f.fix}
            for f in findings
        ]
        print_json({"items": items, "next": None})
    else:
        rows = [(f.part, f.state, f.detail, ", ".join(f.stages), f.fix) for f in findings]
        print_table(["part", "state", "detail", "needed by", "fix"], rows)
    if any(finding.state == "missing" for finding in findings):
        sys.exit(1)
