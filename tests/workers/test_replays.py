from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from math import inf
from pathlib import Path

import pytest
from died_events import bury, died, original, topics_for_letters
from hypothesis import given
from hypothesis import strategies as st

from pipeline.errors import Config, ConvmineError
from pipeline.handling import Position
from pipeline.privacy.sealing import Seal, new_key
from pipeline.settings import KafkaSettings
from pipeline.stages import RECORDINGS, REPLAYS
from workers.dead_letters import DeadLetter, Wanted, place_of
from workers.edge import Edge
from workers.records import NewRecord, Record
from workers.replays import DeadLetters, Outcome, Pace, stretches

ROOT = Path(__file__).resolve().parents[2]
DLQ = "calls.recordings.asr.dlq"
PLACES = st.builds(Position, st.sampled_from(["a", "b"]), st.integers(0, 1), st.integers(0, 5_000))


@pytest.fixture
def edge(kafka_settings: KafkaSettings) -> Edge:
    return topics_for_letters(kafka_settings)


@pytest.fixture
def letters(kafka_settings: KafkaSettings, edge: Edge) -> DeadLetters:
    return DeadLetters(kafka_settings, Seal(()))


def not_replayed(letters: DeadLetters) -> list[DeadLetter]:
    return [letter for letter, replay in letters.wanted(Wanted()) if replay is None]


def replay(letters: DeadLetters, chosen: Sequence[DeadLetter], *, again: bool = False) -> list[Outcome]:
    outcomes: list[Outcome] = []
    letters.replay(chosen, again=again, pace=Pace(), told=outcomes.extend)
    return outcomes


def came_back(edge: Edge) -> list[Record]:
    return list(edge.read(edge.spans([RECORDINGS])))


@given(st.sets(PLACES, max_size=30))
def test_stretches_hold_every_place_once_and_leave_wide_gaps_out(places: set[Position]) -> None:
    turns = list(stretches(places))
    held = [(partition, span) for turn in turns for partition, span in turn.items()]
    for place in places:
        assert sum(place.offset in span for at, span in held if at == (place.topic, place.partition)) == 1
    assert sum(len(span) for _, span in held) <= 1_000 * len(places)
    for earlier, later in pairwise(turns):
        assert all(earlier[at].stop < span.start for at, span in later.items())


def test_a_pace_waits_until_the_next_is_due() -> None:
    waited: list[float] = []
    pace = Pace(4.0, clock=lambda: 101.0, sleep=waited.append)
    assert pace.at_once == 2
    pace.wait(100.0, 2)
    pace.wait(100.0, 6)
    assert waited == [0.0, 0.5]


@pytest.mark.parametrize(
    ("per_second", "at_once"), [(None, 100), (0.1, 1), (1, 1), (50, 25), (10_000, 100), (inf, 100)]
)
def test_a_slow_pace_takes_few_at_once(per_second: float | None, at_once: int) -> None:
    assert Pace(per_second).at_once == at_once


def test_letters_come_back_in_order_as_they_were_with_their_marks(letters: DeadLetters, edge: Edge) -> None:
    events = [original(f"c{n}", b"\xff%d" % n, partition=n % 2) for n in range(250)]
    bury(edge, *(died(event, offset=n) for n, event in enumerate(events)))
    outcomes = replay(letters, not_replayed(letters))
    back = came_back(edge)
    assert {outcome.state for outcome in outcomes} == {"replayed"}
    assert len(outcomes) == len(back) == 250
    for number in (0, 1):
        mine = [record for record in back if record.partition == number]
        ours = [event for event in events if event.partition == number]
        by_value = {event.value: event for event in ours}
        assert len(mine) == len(ours)
        for record in mine:
            event = by_value[record.value]
            assert (record.key, record.headers[:-2]) == (event.key, event.headers)
    marks = {letter.name: mark for letter, mark in letters.wanted(Wanted()) if mark}
    places = {(record.partition, record.offset): record for record in back}
    assert len(marks) == 250
    for name, mark in marks.items():
        assert dict(places[mark.partition, mark.offset].headers)["convmine-replay-of"] == name.encode()


def test_letters_of_one_key_keep_their_order(letters: DeadLetters, edge: Edge) -> None:
    bury(edge, *(died(original("c1", b"%d" % n), offset=n) for n in range(230)))
    replay(letters, not_replayed(letters))
    assert [record.value for record in came_back(edge)] == [b"%d" % n for n in range(230)]


def test_a_letter_is_replayed_once_unless_again_is_said(letters: DeadLetters, edge: Edge) -> None:
    bury(edge, died(original("c1")), died(original("c2")))
    chosen = not_replayed(letters)
    assert [outcome.state for outcome in replay(letters, chosen)] == ["replayed"] * 2
    assert [outcome.state for outcome in replay(letters, chosen)] == ["skipped"] * 2
    assert len(came_back(edge)) == 2
    assert [outcome.state for outcome in replay(letters, chosen[:1], again=True)] == ["replayed"]
    assert len(came_back(edge)) == 3


def test_a_new_letter_in_the_place_of_one_that_was_replayed_is_not_taken_for_it(
    letters: DeadLetters, edge: Edge, kafka_settings: KafkaSettings
) -> None:
    from kafka import KafkaAdminClient

    bury(edge, died(original("old")))
    replay(letters, not_replayed(letters))
    admin = KafkaAdminClient(bootstrap_servers=kafka_settings.bootstrap_servers)
    admin.delete_topics([kafka_settings.topic_prefix + DLQ])
    while edge.topics()[DLQ]:
        pass
    admin.close()
    topics_for_letters(kafka_settings)
    bury(edge, died(original("old")))
    assert [letter.call_id for letter in not_replayed(letters)] == ["old"]


def test_a_second_operator_takes_over_and_nothing_is_replayed_twice(letters: DeadLetters, edge: Edge) -> None:
    bury(edge, *(died(original(f"c{n}")) for n in range(4)))
    chosen = not_replayed(letters)
    first: list[Outcome] = []
    second: list[Outcome] = []

    def told(outcomes: Sequence[Outcome]) -> None:
        first.extend(outcomes)
        if len(first) == 1:
            second.extend(replay(letters, chosen))

    with pytest.raises(ConvmineError, match="another convmine dlq replay has taken over"):
        letters.replay(chosen, again=False, pace=Pace(1.0, sleep=lambda _: None), told=told)
    assert [outcome.state for outcome in first] == ["replayed"]
    assert sorted(outcome.state for outcome in second) == ["replayed"] * 3 + ["skipped"]
    assert len(came_back(edge)) == 4
    assert not_replayed(letters) == []


KILLED_BEFORE_IT_MARKS = """
import os, signal, sys
from pipeline.privacy.sealing import Seal
from pipeline.privacy.sealing import Seal
from pipeline.settings import KafkaSettings
from workers import replays
from workers.dead_letters import Wanted

replays.mark_record = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
letters = replays.DeadLetters(KafkaSettings(bootstrap_servers=sys.argv[1], topic_prefix=sys.argv[2]), Seal(()))
found = [letter for letter, _ in letters.wanted(Wanted())]
letters.replay(found, again=False, pace=replays.Pace(), told=lambda _: None)
"""


def test_a_command_that_is_killed_between_publishing_and_marking_has_done_neither(
    letters: DeadLetters, edge: Edge, kafka_settings: KafkaSettings
) -> None:
    bury(edge, *(died(original(f"c{n}")) for n in range(3)))
    arguments = [kafka_settings.bootstrap_servers, kafka_settings.topic_prefix]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", KILLED_BEFORE_IT_MARKS, *arguments], env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    chosen = not_replayed(letters)
    assert len(chosen) == 3
    assert {outcome.state for outcome in replay(letters, chosen)} == {"replayed"}
    assert len(came_back(edge)) == 3
    unsettled = edge.read(edge.spans([RECORDINGS], settled=False), settled=False)
    assert len(list(unsettled)) == 6, "the killed command's events were sent, and given up"


def test_a_letter_that_has_become_too_large_is_refused_and_holds_up_no_other(
    letters: DeadLetters, edge: Edge, kafka_settings: KafkaSettings
) -> None:
    bury(edge, died(original("large", b"x" * kafka_settings.max_message_bytes)), died(original("small")))
    outcomes = {outcome.letter.call_id: outcome for outcome in replay(letters, not_replayed(letters))}
    assert outcomes["small"].state == "replayed"
    assert outcomes["large"].state == "refused"
    assert "CONVMINE_KAFKA_MAX_MESSAGE_BYTES" in outcomes["large"].reason
    assert [letter.call_id for letter in not_replayed(letters)] == ["large"]


def test_a_letter_that_its_topic_has_removed_is_said_to_be_gone(
    letters: DeadLetters, edge: Edge, kafka_settings: KafkaSettings
) -> None:
    from kafka import KafkaAdminClient, TopicPartition

    first, second = bury(edge, died(original("c1")), died(original("c1")))
    chosen = not_replayed(letters)
    place = place_of(first)
    admin = KafkaAdminClient(bootstrap_servers=kafka_settings.bootstrap_servers)
    admin.delete_records({TopicPartition(kafka_settings.topic_prefix + DLQ, place.partition): 1})
    admin.close()
    with pytest.raises(ConvmineError, match=r"is gone: .* keeps dead letters for 30 days") as gone:
        letters.at([place])
    assert second in (gone.value.hint or "")
    outcomes = {outcome.letter.name: outcome for outcome in replay(letters, chosen)}
    assert outcomes[second].state == "replayed"
    assert (outcomes[first].state, outcomes[first].reason) == ("refused", "it was removed meanwhile")


def test_marks_that_nobody_can_read_mark_nothing(letters: DeadLetters, edge: Edge) -> None:
    (name,) = bury(edge, died(original()))
    edge.publish([NewRecord(REPLAYS, name.encode(), b"not a mark", ())])
    assert [letter.name for letter in not_replayed(letters)] == [name]


def test_since_leaves_out_what_died_before(letters: DeadLetters, edge: Edge) -> None:
    bury(edge, died(original("c1")), died(original("c1", b"later")))
    earlier, later = sorted(not_replayed(letters), key=lambda letter: letter.place.offset)
    found = [letter.name for letter, _ in letters.wanted(Wanted(since=later.at))]
    assert later.name in found
    assert (earlier.name in found) == (earlier.at == later.at)


def test_a_sealed_letter_is_replayed_as_it_came_and_only_by_who_has_the_key(
    edge: Edge, kafka_settings: KafkaSettings
) -> None:
    seal = Seal([new_key()])
    letter = died(original("c1", b"what was said"))
    assert letter.value is not None
    bury(edge, replace(letter, value=seal.seal(letter.value)))
    keyless, letters = DeadLetters(kafka_settings, Seal(())), DeadLetters(kafka_settings, seal)
    (found,) = (known for known, _ in letters.wanted(Wanted()))
    with pytest.raises(Config, match="what is stored is encrypted, and no key is set"):
        keyless.record(found.place)
    assert letters.record(found.place).value == b"what was said"
    replay(letters, [found])
    assert [record.value for record in came_back(edge)] == [b"what was said"]


def test_topics_that_were_never_created_are_said_so(kafka_settings: KafkaSettings) -> None:
    letters = DeadLetters(kafka_settings, Seal(()))
    with pytest.raises(ConvmineError, match="has no topics of dead letters") as missing:
        list(letters.wanted(Wanted()))
    assert missing.value.hint == "run: convmine topics apply"
    with pytest.raises(ConvmineError, match=f"has no topic {DLQ}"):
        letters.at([Position(DLQ, 0, 1)])
