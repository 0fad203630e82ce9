"""Labels as JSONL: one a line, with the names that the taxonomy of its scenario has."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from pipeline.errors import ConvmineError
from pipeline.labels.additions import CannotBeAdded, check_name
from pipeline.labels.label import Label
from pipeline.labels.result_file import complaint
from pipeline.scenarios.load import ScenarioError
from pipeline.scenarios.model import Edition, Scenarios
from pipeline.workbench.lines import numbered_lines


class LabelsUnreadable(ConvmineError):
    """A file of labels cannot be taken; the message names every line that is wrong, up to ten."""


_MOST_COMPLAINTS = 10


def write_labels(labels: Iterable[Label]) -> str:
    """One label a line, in their order."""
    return "".join(f"{label.model_dump_json()}\n" for label in labels)


def read_labels(path: Path, scenarios: Scenarios, tenant_id: str) -> tuple[Label, ...]:
    """The labels of a file, all of them or none.

    Args:
        path: JSONL in UTF-8; empty lines are passed over.
        scenarios: whose taxonomies have the names.
        tenant_id: whose labels they must be.

    Raises:
        LabelsUnreadable: the file cannot be read, or a line is no label, is another tenant's, or has a scenario, a
            language or a name that is not there; with the nearest names.
    """
    labels: list[Label] = []
    complaints: list[str] = []
    for number, line in numbered_lines(path, LabelsUnreadable):
        try:
            labels.append(_label(line, scenarios, tenant_id))
        except _Wrong as wrong:
            complaints.append(f"line {number}: {wrong}")
    if complaints:
        more = len(complaints) - _MOST_COMPLAINTS
        told = [*complaints[:_MOST_COMPLAINTS], *([f"and {more} more lines"] if more > 0 else [])]
        raise LabelsUnreadable(f"{path}: {'; '.join(told)}", hint="nothing was taken from it")
    return tuple(labels)


class _Wrong(ValueError):
    """What is wrong with one line."""


def _label(line: str, scenarios: Scenarios, tenant_id: str) -> Label:
    try:
        label = Label.model_validate_json(line)
    except ValidationError as error:
        raise _Wrong(complaint(error)) from None
    if label.tenant_id != tenant_id:
        raise _Wrong(f"it is of tenant {label.tenant_id!r}, this is {tenant_id!r} (CONVMINE_TENANT)")
    try:
        check_name(_edition(label, scenarios, tenant_id).taxonomy, label.field, label.name)
    except (ScenarioError, CannotBeAdded) as error:
        raise _Wrong(str(error)) from None
    return label


def _edition(label: Label, scenarios: Scenarios, tenant_id: str) -> Edition:
    scenario = scenarios(label.scenario, tenant_id)
    edition = scenario.edition(label.language)
    if label.language.partition("-")[0] != edition.language.partition("-")[0]:
        there_are = ", ".join(sorted(scenario.editions))
        raise ScenarioError(f"scenario {scenario.id} is not there in {label.language!r}; there are {there_are}")
    return edition
