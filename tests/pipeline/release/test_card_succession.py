"""What is published when a card is edited, approved or withdrawn, whoever does it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from published_cards import content
from published_config import AT

from pipeline.errors import ConvmineError
from pipeline.release.card_succession import EARLIER, CardStanding, NotYours, approved, edited, withdrawn
from pipeline.release.succession import Signature
from pipeline.scenarios.model import Card
from schemas.reference import CardPublished, CardStatus

OWN = Card.model_validate(content("offer", approved_by="cid", title="its own"))
NOTHING = CardStanding("retail", "en", "offer")


def by(name: str) -> Signature:
    return Signature(name, AT)


def card(title: str) -> Card:
    return Card.model_validate(content("offer", title=title))


def written(standing: CardStanding, title: str, name: str, seen: int | None = None) -> CardStanding:
    return replace(standing, draft=edited(standing, card(title), by(name), seen=seen))


def shown(standing: CardStanding, name: str) -> CardStanding:
    return replace(standing, record=approved(standing, by(name)), draft=None)


def gone(standing: CardStanding, name: str) -> CardStanding:
    return replace(standing, record=withdrawn(standing, by(name)))


def test_a_draft_names_nobody_who_approved_it_even_if_its_content_did() -> None:
    draft = edited(NOTHING, card("New"), by("ann"))
    assert (draft.status, draft.approved_by, "approved_by" in draft.content) == (CardStatus.DRAFT, None, False)


def test_what_is_approved_has_the_number_and_the_writer_of_the_draft_and_who_approved_it() -> None:
    record = approved(written(written(NOTHING, "One", "ann"), "Two", "ann"), by("bob"))
    assert (record.card_version, record.written_by, record.approved_by) == (2, "ann", "bob")
    assert (record.content["approved_by"], record.content["title"]) == ("bob", "Two")


def test_who_wrote_the_draft_last_may_not_approve_it_alone() -> None:
    standing = written(NOTHING, "One", "ann")
    with pytest.raises(ConvmineError, match="somebody else must approve it"):
        approved(standing, by("ann"))
    assert approved(standing, by("ann"), alone=True).approved_by == "ann"


def test_without_having_seen_it_nobody_goes_over_what_another_has_published() -> None:
    theirs = written(NOTHING, "One", "ann")
    with pytest.raises(NotYours, match="is by ann"):
        edited(theirs, card("Two"), by("bob"))
    with pytest.raises(NotYours, match="at version 1, and not at 4"):
        edited(theirs, card("Two"), by("bob"), seen=4)
    assert edited(theirs, card("Two"), by("bob"), seen=1).card_version == 2
    assert edited(shown(theirs, "bob"), card("Two"), by("bob")).card_version == 2


def test_the_scenarios_own_card_is_a_draft_away_from_anybody() -> None:
    standing = replace(NOTHING, own=OWN)
    assert (standing.version, standing.content) == (0, standing.shown)
    assert standing.says({**content("offer", title="its own"), "approved_by": "whoever"})
    assert not standing.says(content("offer", title="New"))
    assert edited(standing, card("New"), by("ann"), seen=0).card_version == 1


def test_only_what_is_shown_can_be_withdrawn() -> None:
    for standing in (NOTHING, written(NOTHING, "One", "ann"), gone(replace(NOTHING, own=OWN), "ann")):
        with pytest.raises(ConvmineError, match="is not shown"):
            withdrawn(standing, by("bob"))


def test_what_was_shown_before_is_kept_newest_first_up_to_a_bound() -> None:
    standing = NOTHING
    for number in range(EARLIER + 5):
        standing = shown(written(standing, f"t{number}", "ann"), "bob")
    assert standing.record is not None
    titles = [one.content["title"] for one in standing.record.earlier]
    assert titles == [f"t{number}" for number in range(EARLIER + 3, 3, -1)]


STEPS = st.lists(st.tuples(st.sampled_from(["edit", "approve", "withdraw"]), st.sampled_from(["ann", "bob"])))


@given(STEPS, st.sampled_from([None, OWN]))
def test_whatever_two_people_do_what_is_shown_was_written_by_one_and_approved_by_the_other(
    steps: list[tuple[str, str]], own: Card | None
) -> None:
    standing = replace(NOTHING, own=own)
    last: CardPublished | None = None
    for number, (step, name) in enumerate(steps):
        before = standing.shown
        try:
            if step == "edit":
                standing = written(standing, f"t{number}", name, seen=standing.version)
                assert standing.shown == before
            elif step == "approve":
                standing = shown(standing, name)
            else:
                standing = gone(standing, name)
                assert standing.shown is None
        except ConvmineError:
            assert standing.shown == before
            continue
        newest = standing.newest
        assert newest is not None
        if step != "approve":
            assert newest.card_version == (last.card_version if last else 0) + 1
        last = newest
    if (record := standing.record) is not None and record.status is CardStatus.APPROVED:
        assert record.written_by != record.approved_by
        assert all(one.written_by != one.approved_by for one in record.earlier)
