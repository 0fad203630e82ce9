from __future__ import annotations

import pytest
from talks import talk

from pipeline.extract.lexical import LexicalClassifier
from pipeline.llm.static_embedding import StaticEmbedding
from pipeline.scenarios.load import shipped

# Written once, before the classifier was asked, and not changed since; none is an example of a taxonomy.
HELD_OUT = {
    ("collections", "en"): [
        ("c: i will send you the full sum on wednesday", "promise_to_pay"),
        ("c: could i pay that in four parts", "ask_instalments"),
        ("c: i was laid off in february and have nothing left", "hardship"),
        ("c: that bill is not mine", "dispute_debt"),
        ("c: the money was transferred ten days ago", "already_paid"),
        ("c: why do you charge a fee for the reminder", "complain_about_fees"),
        ("c: do not phone me any more", "stop_contact"),
        ("c: i need another three weeks", "ask_more_time"),
        ("c: i will never pay you anything", "refuse_to_pay"),
        ("c: yes that plan is fine with me", "agree_to_plan"),
        ("c: will you report me to the credit agency", "ask_consequences"),
        ("c: can i see the original invoice", "ask_statement"),
        ("a: you have an unpaid balance of ninety dollars", "state_debt"),
        ("a: we could spread it over five months", "offer_plan"),
        ("a: what is the reason you have not paid", "ask_reason"),
        ("a: i will note that you dispute the amount", "take_dispute"),
        ("a: so you pay sixty dollars every month starting in june", "confirm_arrangement"),
        ("a: please tell me your date of birth", "verify_identity"),
        ("c: the weather is awful today", None),
        ("c: wait a moment please", None),
    ],
    ("insurance", "en"): [
        ("c: we just had a baby and want to be safe", "describe_need"),
        ("c: what is the monthly premium", "ask_price"),
        ("c: that costs far too much", "price_objection"),
        ("c: is theft included", "ask_cover"),
        ("c: i do not believe that you will pay in the end", "distrust"),
        ("c: stonebridge would charge me less", "competitor_offer"),
        ("c: i must discuss that with my wife", "need_time"),
        ("c: yes i will take it", "accept_offer"),
        ("c: a pipe burst and the floor is wet", "report_claim"),
        ("c: where is the money for my claim", "ask_claim_status"),
        ("c: i would like to end my home insurance", "cancel_contract"),
        ("c: i do not need such a thing", "doubt_need"),
        ("a: how many children do you have", "ask_situation"),
        ("a: the policy pays up to one million dollars", "explain_cover"),
        ("a: i recommend the family policy for thirty dollars", "offer_policy"),
        ("a: i will open a claim and send an expert", "take_claim"),
        ("a: shall i start the policy for you", "ask_for_decision"),
        ("a: you are insured from tomorrow on", "confirm_policy"),
        ("c: let me get a pen", None),
        ("c: that was last summer", None),
    ],
    ("insurance", "zh"): [
        ("c: 我家刚生了宝宝想买份保障", "describe_need"),
        ("c: 每个月保费多少钱", "ask_price"),
        ("c: 这也太贵了我交不起", "price_objection"),
        ("c: 被偷了赔不赔", "ask_cover"),
        ("c: 我不信你们真的会赔", "distrust"),
        ("c: 石桥比你们便宜", "competitor_offer"),
        ("c: 我要跟爱人商量商量", "need_time"),
        ("c: 好那我就买这个", "accept_offer"),
        ("c: 水管爆了地板都泡了我要报案", "report_claim"),
        ("c: 我的理赔款什么时候到账", "ask_claim_status"),
        ("c: 我想把家财险退了", "cancel_contract"),
        ("c: 这种东西我用不着", "doubt_need"),
        ("a: 您有几个孩子", "ask_situation"),
        ("a: 这份最高赔一百万", "explain_cover"),
        ("a: 我建议您买家庭保每月两百", "offer_policy"),
        ("a: 我帮您立案再派定损员", "take_claim"),
        ("a: 给您办上可以吗", "ask_for_decision"),
        ("a: 明天起您就有保障了", "confirm_policy"),
        ("c: 我找支笔", None),
        ("c: 那是去年夏天", None),
    ],
}


@pytest.mark.parametrize(("scenario", "language"), HELD_OUT)
def test_most_of_the_held_out_sentences_are_found_and_little_else(scenario: str, language: str) -> None:
    classifier = LexicalClassifier(shipped(scenario).edition(language).taxonomy, encode=StaticEmbedding().sums)
    sentences = HELD_OUT[scenario, language]
    found = [({it.name for it in classifier.find(talk(line))}, intent) for line, intent in sentences]
    right = sum(given == ({intent} if intent else set()) for given, intent in found)
    assert right >= 0.8 * len(sentences)
