from __future__ import annotations

from rule_model import RuleModel, nothing
from talks import conversation

from pipeline.extract.agreed import agreed
from pipeline.extract.answer import Answer, AnsweredIntent, AnsweredOutcome
from pipeline.extract.llm import LlmExtractor
from pipeline.llm.guarded import GuardedChat
from pipeline.ports import ChatAnswer, ChatRequest


def answer(*intents: tuple[str, str, str], outcome: str | None = None, summary: str = "s") -> Answer:
    return Answer(
        intents=tuple(
            AnsweredIntent(segment=segment, intent=intent, quote=quote, confidence=0.9)
            for segment, intent, quote in intents
        ),
        entities=(),
        topics=(),
        outcome=outcome and AnsweredOutcome(name=outcome, segment="s1", quote="q"),
        summary=summary,
    )


def test_an_intent_counts_where_the_majority_gives_it_to_the_same_turn() -> None:
    both = [answer(("s1", "a", "one")), answer(("s1", "a", "another"), ("s2", "b", "q")), answer(("s2", "a", "q"))]
    (kept,) = agreed(both).intents
    assert (kept.segment, kept.intent, kept.quote) == ("s1", "a", "one")


def test_an_outcome_counts_where_the_majority_names_it() -> None:
    assert (
        agreed([answer(outcome="won"), answer(outcome="lost"), answer(outcome="won")]).outcome
        == answer(outcome="won").outcome
    )
    assert agreed([answer(outcome="won"), answer(), answer()]).outcome is None


def test_the_rest_is_what_the_first_answer_says() -> None:
    assert agreed([answer(summary="first"), answer(summary="second")]).summary == "first"


async def test_an_extractor_with_votes_draws_so_many_samples_and_adds_their_tokens_up() -> None:
    says = iter([[], ["c: i want to cancel"], ["c: i want to cancel"]])

    def instead(request: ChatRequest) -> ChatAnswer | None:
        return None if next(says) else nothing(request)

    model = RuleModel(instead)
    extractor = LlmExtractor(GuardedChat(model), votes=3)
    findings = await extractor.extract(conversation("c: i want to cancel the contract"))
    alone = await LlmExtractor(GuardedChat(RuleModel())).extract(conversation("c: i want to cancel the contract"))
    assert len(model.asked) == 3
    assert findings.intents == alone.intents != ()
    assert findings.provenance.input_tokens == 3 * alone.provenance.input_tokens
