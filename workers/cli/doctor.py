"""``convmine doctor``: what is installed, reachable and configured, and for what is missing the stages and the fix."""

from __future__ import annotations

import sys

import click

from pipeline.settings import load
from workers.cli.output import json_option, print_json, print_table


@click.command("doctor")
@click.option("--deep", is_flag=True, help="Also try each part: a record, a point, a question to the model.")
@json_option
def doctor(*, deep: bool, as_json: bool) -> None:
    """Say what is installed, reachable and configured; exit 1 if a configured part is missing or broken."""
    from workers.diagnosis import diagnose

    settings = load()
    findings = diagnose(settings)
    if deep:
        from workers.trials.everything import try_all

        findings += try_all(settings)
    if as_json:
        items = [
            {"part": f.part, "state": f.state, "detail": f.detail, "stages": list(f.stages), "fix": f.fix}
            for f in findings
        ]
        print_json({"items": items, "next": None})
    else:
        rows = [(f.part, f.state, f.detail, ", ".join(f.stages), f.fix) for f in findings]
        print_table(["part", "state", "detail", "needed by", "fix"], rows)
    wrong = [finding.part for finding in findings if finding.state in {"missing", "broken"}]
    if not as_json:
        click.echo(f"missing or broken: {', '.join(wrong)}" if wrong else "all that is configured works")
    if wrong:
        sys.exit(1)
