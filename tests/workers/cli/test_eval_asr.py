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
    for word in ("engine pocketsphinx", "greeting", "silence", "role agent", "under 30 s", "100.0 %"):
        assert word in result.output


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
