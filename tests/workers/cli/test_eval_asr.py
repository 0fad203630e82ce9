import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner

from pipeline.errors import ConvmineError
from pipeline.evaluate.asr_references import sample_calls
from workers.cli.eval_asr import eval_asr

RATE_HZ = 16_000


@pytest.fixture
def refs(tmp_path: Path) -> Path:
    """Two recordings: the first words of a sample call, and silence of which something is expected."""
    call = json.loads((sample_calls() / "call-01-price-saved.json").read_text(encoding="utf-8"))
    first = call["turns"][0]
    samples, _ = soundfile.read(sample_calls() / "call-01-price-saved.ogg", dtype="float32")
    soundfile.write(tmp_path / "greeting.flac", samples[: (first["end_ms"] + 200) * 16], RATE_HZ)
    soundfile.write(tmp_path / "silence.flac", np.zeros(RATE_HZ, np.float32), RATE_HZ)
    rows = [
        {
            "audio": "greeting.flac",
            "text": first["text"],
            "channel": first["channel"],
            "role": first["role"],
            "language": "en",
        },
        {"audio": "silence.flac", "text": "two words"},
    ]
    path = tmp_path / "refs.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return path


def test_each_channel_is_scored_and_the_whole_by_words(refs: Path) -> None:
    result = CliRunner().invoke(eval_asr, ["--refs", str(refs), "--engine", "pocketsphinx", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    greeting, silence = found["by"]
    assert {"call_id", "engine", "channel", "role", "seconds", "wer", "cer"} <= set(greeting)
    assert (greeting["call_id"], greeting["engine"], greeting["role"]) == ("greeting", "pocketsphinx", "agent")
    assert greeting["wer"] < 0.3
    assert (silence["wer"], silence["seconds"], silence["role"]) == (1.0, 1.0, "unknown")
    errors = greeting["wer"] * greeting["words"] + 2
    assert found["wer"] == pytest.approx(errors / (greeting["words"] + 2), abs=1e-3)
    assert result.stderr == ""


def test_the_table_names_calls_roles_and_lengths(refs: Path) -> None:
    result = CliRunner().invoke(eval_asr, ["--refs", str(refs)])
    assert result.exit_code == 0, result.output
    for word in (
        "engine pocketsphinx",
        "greeting",
        "silence",
        "role agent",
        "under 10 s",
        "100.0 %",
        "mean WER",
        "sub",
    ):
        assert word in result.output
    assert "numerals and traditional characters as written" in result.output


def test_edits_intervals_groups_and_seconds_stand_beside_the_rates(refs: Path) -> None:
    arguments = ["--refs", str(refs), "--engine", "pocketsphinx", "--json"]
    first, again, without = (
        json.loads(CliRunner().invoke(eval_asr, [*arguments, *more]).stdout)
        for more in ([], [], ["--bootstrap", "0", "--limit", "1"])
    )
    assert first == again, "the draws are seeded"
    low, high = first["wer_interval"]
    assert low <= first["wer"] <= high
    assert first["deletions"] >= 2
    assert round(first["wer"] * first["words"]) == sum(first[it] for it in ("substitutions", "insertions", "deletions"))
    by_role = {group["name"]: group for group in first["groups"] if group["kind"] == "role"}
    assert (by_role["unknown"]["wer"], by_role["unknown"]["wer_interval"]) == (1.0, None)
    assert {group["kind"] for group in first["groups"]} == {"role", "channel", "length", "language", "held out"}
    assert first["hearing"]["heard_ms"] > first["hearing"]["spoken_ms"] > 2_000
    assert first["engines"]["pocketsphinx"]["wer"] == first["wer"]
    assert [row["call_id"] for row in without["by"]] == ["greeting"]
    assert without["wer_interval"] is None


def test_a_language_that_the_engine_does_not_read_is_an_error_naming_the_recording(refs: Path) -> None:
    row = {"audio": "greeting.flac", "text": "您好"}
    refs.write_text(json.dumps(row), encoding="utf-8")
    result = CliRunner().invoke(eval_asr, ["--refs", str(refs), "--language", "zh"])
    assert isinstance(result.exception, ConvmineError)
    assert "greeting.flac: pocketsphinx reads English" in str(result.exception)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"audio": "silence.flac", "text": "a", "channel": 3}, "a reference names channel 3"),
        ({"audio": "away.flac", "text": "a"}, "away.flac"),
        ({"audio": "refs.jsonl", "text": "a"}, "no audio that can be read"),
    ],
)
def test_a_reference_that_does_not_fit_its_recording_is_an_error_naming_it(
    refs: Path, row: dict[str, object], reason: str
) -> None:
    refs.write_text(json.dumps(row), encoding="utf-8")
    result = CliRunner().invoke(eval_asr, ["--refs", str(refs)])
    assert isinstance(result.exception, ConvmineError)
    assert reason in str(result.exception)
