"""Labels as JSONL."""

from __future__ import annotations

from pathlib import Path

import pytest
from judged_calls import judged_call, words
from workbench_places import label

from pipeline.labels.label import Label
from pipeline.labels.label_file import LabelsUnreadable, read_labels, write_labels
from pipeline.scenarios.load import shipped


def written(folder: Path, text: str) -> Path:
    path = folder / "labels.jsonl"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(folder: Path, *labels: Label) -> str:
    with pytest.raises(LabelsUnreadable) as caught:
        read_labels(written(folder, write_labels(labels)), shipped, "acme")
    return caught.value.message


def test_what_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    labels = words(judged_call())
    text = "\ufeff" + write_labels(labels).replace("\n", "\r\n\n")
    assert read_labels(written(tmp_path, text), shipped, "acme") == tuple(labels)
    assert read_labels(written(tmp_path, ""), shipped, "acme") == ()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"name": "cancel_contrakt"}, "intents: 'cancel_contrakt' is not in the taxonomy; nearest: cancel_contract"),
        ({"field": "entities", "name": "plam"}, "nearest: plan"),
        ({"field": "topics", "name": "prise"}, "nearest: price"),
        ({"field": "outcome", "name": "canceled"}, "nearest: cancelled"),
        ({"field": "objections", "name": "half"}, "objections: 'half' is not in the taxonomy"),
        ({"scenario": "banking"}, "no scenario 'banking'; there are"),
        ({"language": "fr"}, "telecom is not there in 'fr'; there are en, zh"),
        ({"tenant_id": "umbrella"}, "it is of tenant 'umbrella', this is 'acme'"),
    ],
)
def test_a_name_that_is_not_known_is_told_with_its_line(changed: dict[str, str], said: str, tmp_path: Path) -> None:
    good = label(name="cancel_contract")
    told = complaint(tmp_path, good, good.model_copy(update=changed))
    assert "line 2: " in told
    assert "line 1: " not in told
    assert said in told


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("no json", "Invalid JSON"),
        ("{}", "tenant_id: Field required"),
        (label(name="cancel_contract").model_dump_json().replace('"right"', '"maybe"'), "verdict: Input should be"),
        (label().model_dump_json().replace("Z", ""), "at: "),
    ],
)
def test_a_line_that_is_no_label_is_told_with_what_is_wrong(line: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(LabelsUnreadable, match="line 3") as caught:
        read_labels(written(tmp_path, f"\n\n{line}\n"), shipped, "acme")
    assert said in caught.value.message
    assert "\n" not in caught.value.message


def test_every_wrong_line_is_told_up_to_ten(tmp_path: Path) -> None:
    told = complaint(tmp_path, *[label(name=f"x{n}") for n in range(13)])
    assert "line 10: " in told
    assert "line 11: " not in told
    assert "and 3 more lines" in told


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "labels.jsonl"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(LabelsUnreadable, match="is not UTF-8"):
        read_labels(path, shipped, "acme")
