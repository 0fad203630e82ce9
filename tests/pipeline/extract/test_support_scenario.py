from __future__ import annotations

import pytest
from talks import talk

from pipeline.extract.entities import find_entities
from pipeline.extract.lexical import LexicalClassifier
from pipeline.llm.static_embedding import StaticEmbedding
from pipeline.scenarios.load import shipped

# Written once, before the classifier was asked, and not changed since; none is an example of the taxonomy.
HELD_OUT = [
    ("c: hello i have been trying to sign in for an hour and it refuses my password", "login_problem"),
    ("c: the verification code does not arrive on my mobile", "login_problem"),
    ("c: whenever i save an invoice the program shuts down", "report_bug"),
    ("c: there is an error message as soon as i open the payroll", "report_bug"),
    ("c: how can i give my accountant access", "ask_how_to"),
    ("c: where do i change the due date of a bill", "ask_how_to"),
    ("c: your cloud has been unreachable since this morning", "report_outage"),
    ("c: none of our offices can work the service is down", "report_outage"),
    ("c: half of my bookings have disappeared", "report_data_loss"),
    ("c: i deleted a customer by mistake can you bring it back", "report_data_loss"),
    ("c: is it possible to link the program to our online shop", "ask_integration"),
    ("c: can you explain this charge on the last bill", "ask_billing"),
    ("c: i think i should be refunded for those two days", "request_refund"),
    ("c: it would be helpful if the list had colours", "request_feature"),
    ("c: i demand to speak with your supervisor", "request_escalation"),
    ("c: if that happens once more we will move to another vendor", "threaten_cancel"),
    ("c: wonderful now it works again", "confirm_solved"),
    ("a: hello this is technical support my name is anna", "agent_opening"),
    ("a: which version of the program do you have", "ask_for_details"),
    ("a: would you send us the log files please", "ask_for_details"),
    ("a: open the settings and click on users", "explain_steps"),
    ("a: for now you could use the browser version instead", "offer_workaround"),
    ("a: the next update on friday will fix this", "promise_fix"),
    ("a: i will create a ticket and you get a message", "open_ticket"),
    ("a: let me transfer you to a specialist on second level", "escalate_case"),
    ("a: your password has been reset", "confirm_fixed"),
    ("a: thanks for calling us and have a good day", "close_call"),
]


@pytest.fixture(scope="module")
def support() -> LexicalClassifier:
    return LexicalClassifier(shipped("support").edition("en").taxonomy, encode=StaticEmbedding().sums)


def names(classifier: LexicalClassifier, line: str) -> list[str]:
    return [found.name for found in classifier.find(talk(line))]


def test_most_of_the_held_out_sentences_are_found_and_little_else(support: LexicalClassifier) -> None:
    found = [(names(support, line), intent) for line, intent in HELD_OUT]
    right = sum(intent in given for given, intent in found)
    wrong = sum(name != intent for given, intent in found for name in given)
    assert right >= 0.8 * len(HELD_OUT)
    assert wrong <= 0.2 * len(HELD_OUT)


@pytest.mark.parametrize("line", ["c: okay", "c: i am starting the computer", "a: one second please", "a: i see"])
def test_what_is_said_in_between_has_no_intent(support: LexicalClassifier, line: str) -> None:
    assert names(support, line) == []


def test_the_slots_of_a_fault_are_found_spoken_and_written() -> None:
    entities = shipped("support").edition("en").taxonomy.entities
    spoken = talk(
        "c: tally book desktop seven point two on windows eleven says error five one two and version seven point two"
    )
    written = talk("c: Error 512 in TallyBook Cloud on my Mac, version 7.2, see ticket TB-881")
    assert {one.name: one.said for one in find_entities(spoken, entities)} == {
        "product": "tally book desktop",
        "operating_system": "windows eleven",
        "error_code": "error five one two",
        "version": "version seven point two",
    }
    assert {one.name: one.said for one in find_entities(written, entities)} == {
        "error_code": "Error 512",
        "product": "TallyBook Cloud",
        "operating_system": "Mac",
        "version": "version 7.2",
        "ticket_id": "ticket TB-881",
    }
