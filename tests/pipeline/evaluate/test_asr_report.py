from pathlib import Path

from pipeline.evaluate.asr_references import Reference
from pipeline.evaluate.asr_report import Sureness, groups, hearing, mean_wer, together
from pipeline.evaluate.asr_run import Scored
from pipeline.evaluate.wer import score
from schemas.transcript import Hearing
from schemas.wire import Role

HOW = Sureness(rounds=50)


def scored(  # noqa: PLR0913 - what the groups tell apart, each named
    call_id: str, text: str, heard: str, *, seconds: float = 5.0, folder: str = "", role: Role = Role.AGENT
) -> Scored:
    reference = Reference(call_id, Path(folder) / f"{call_id}.wav", text, role=role)
    cuts = {"repetition": 300}
    became = Hearing(heard_ms=5_000, spoken_ms=2_000, cut_ms=300, masked_ms=100, cuts=cuts)
    return Scored(reference, "fake", seconds, heard, score(text, heard), became)


def test_channels_are_put_together_by_what_they_have_in_common() -> None:
    rows = [
        scored("a", "one two three four", "one two three", seconds=200),
        scored("b", "one two", "one two", role=Role.CUSTOMER),
        scored("b", "您好", "您"),
    ]
    found = {(group.kind, group.name): group for group in groups(rows, HOW)}
    assert found["role", "agent"].errors.of_words.deletions == 2
    assert found["role", "customer"].errors.wer == 0
    assert found["length", "over 120 s"].calls == 1
    assert found["language", "zh"].errors.cer == 0.5
    assert found["language", "not said"].channels == 2
    assert ("held out", "held out") not in found


def test_both_sides_of_a_call_are_drawn_together_but_not_calls_of_one_name_in_two_folders() -> None:
    rows = [scored("a", "one", "one"), scored("a", "two", "too"), scored("a", "three", "three", folder="other")]
    assert (together(rows, HOW).calls, together(rows, HOW).channels) == (2, 3)
    assert together(rows[:2], HOW).wer_interval is None


def test_the_mean_of_the_calls_weighs_each_the_same() -> None:
    rows = [scored("a", "one " * 9, "one " * 9), scored("b", "one", "two")]
    assert (mean_wer(rows), together(rows, HOW).errors.wer) == (0.5, 0.1)


def test_seconds_are_added_up_with_the_reasons_of_what_was_cut() -> None:
    assert hearing([scored("a", "x", "x")] * 3) == Hearing(
        heard_ms=15_000, spoken_ms=6_000, cut_ms=900, masked_ms=300, cuts={"repetition": 900}
    )
