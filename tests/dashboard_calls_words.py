"""What is said in the scripted live call, in two languages; all companies, plans and prices are invented."""

# ruff: noqa: RUF001 - Chinese punctuation

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Side = Literal["agent", "customer"]


@dataclass(frozen=True, slots=True)
class CardWords:
    """The words of a suggestion; one with a ``passage`` comes from the knowledge base."""

    title: str
    text: str
    reason: str
    quote: str
    approved_by: str
    passage: str = ""


@dataclass(frozen=True, slots=True)
class Script:
    """All words of the call in one language."""

    turns: tuple[tuple[Side, str], ...]
    cards: Mapping[str, CardWords]
    phrases: Mapping[str, str]
    overtaken: str
    alarming: str
    summaries: tuple[str, str]
    promise: str
    objection: str
    crm: tuple[tuple[str, str], ...]
    stays: str
    summary: str


EN = Script(
    turns=(
        ("agent", "Good morning, this is Ann of Northwind Mobile. This call is recorded. How can I help you?"),
        ("customer", "Hi. I would like to cancel my contract at the end of the month."),
        ("agent", "I am sorry to hear that. May I ask for your name and the number of the contract?"),
        ("customer", "Sure, it is [name], and the number is [number]."),
        ("agent", "Thank you. May I ask why you would like to leave?"),
        ("customer", "Honestly, I just pay too much for what I use. What plans do you have now?"),
        ("agent", "There are four. How much data do you use in a month, about?"),
        ("customer", "Maybe eight gigabytes. Twelve when I travel."),
        ("agent", "Let me look at your last bills for a moment, I will be right back."),
        ("agent", "Thank you for waiting. You were at nine gigabytes on average."),
        ("customer", "And I pay for unlimited. That is what I mean."),
        ("agent", "I understand. The smart plan has twenty gigabytes, so it would cover the months you travel, too."),
        ("customer", "What would that cost me?"),
        ("agent", "Thirty dollars a month, taxes included."),
        ("customer", "Hm. And is there a fee for changing?"),
        ("agent", "No, there is none if you stay with your number."),
        ("customer", "My reception at home is also not great, to be honest."),
        ("agent", "I can have the line tested today. When does it happen?"),
        ("customer", "Mostly in the evening, in the kitchen of all places."),
        ("agent", "I will book the test for tonight, then. You get a message with the result."),
        ("customer", "Alright. Last time nobody came back to me, I nearly wrote to the regulator."),
        ("agent", "That must not happen again, I note it here with today's date."),
        ("customer", "The thing is, Fabrikam offers me the same for twenty dollars."),
        ("agent", "Thanks for telling me. Which data volume and term does that offer have?"),
        ("customer", "I think fifteen gigabytes, and I would be bound for two years, which I do not like so much."),
    ),
    cards={
        "price": CardWords(
            "Compare, do not talk down",
            "Ask which data volume, term and fees that offer has, and compare the total for a year. Do not criticise "
            "the other company. You may offer ten dollars off for six months.",
            "customer said: 'Fabrikam offers me the same for twenty dollars'",
            "Fabrikam offers me the same for twenty dollars",
            "Head of Retention",
        ),
        "plan": CardWords(
            "Plans and prices",
            "Smart: twenty gigabytes, thirty dollars. Basic: five gigabytes, twenty dollars.",
            "customer asked: 'What plans do you have now?'",
            "What plans do you have now?",
            "kim",
            "Basic: 5 GB, 20 dollars. Smart: 20 GB, 30 dollars. Premium: unlimited, 45 dollars. Family: four lines, "
            "70 dollars. All prices include taxes.",
        ),
        "benefit": CardWords(
            "Before they say it is too expensive",
            "Say now what the customer gets for it: the use they named, and the plan that fits it.",
            "after 'Asks for needs', 44 % of 131 times the next was: Price objection",
            "And I pay for unlimited. That is what I mean.",
            "Head of Retention",
        ),
    },
    phrases={
        "recording_notice": "Notice that the call is recorded",
        "identity": "Identity checked by two facts",
        "cooling_off": "Fourteen days to withdraw",
        "authority": "Complaint to an authority",
    },
    overtaken="customer said: 'What would that cost me?'",
    alarming="I nearly wrote to the regulator",
    summaries=(
        "Asked about the bill; a call back was agreed and did not come.",
        "Bought the premium plan for unlimited data.",
    ),
    promise="Call back about the reception at home",
    objection="that is a lot for a plan I hardly use",
    crm=(("Customer since", "2019"), ("Plan", "Premium, 45 dollars"), ("Open tickets", "1")),
    stays="the customer takes the smart plan",
    summary="Wanted to cancel because of a cheaper offer; takes the smart plan and stays.",
)

ZH = Script(
    turns=(
        ("agent", "您好，北风移动客服小安，本次通话会被录音，请问有什么可以帮您？"),
        ("customer", "你好，我想月底把套餐停掉。"),
        ("agent", "很抱歉听到您这么说，请问您的姓名和合约号码是多少？"),
        ("customer", "我叫[姓名]，号码是[号码]。"),
        ("agent", "谢谢您。方便说一下为什么想停用吗？"),
        ("customer", "说实话，我用得不多，交的钱太多了。你们现在有哪些套餐？"),
        ("agent", "现在有四种套餐。您一个月大概用多少流量？"),
        ("customer", "大概八个G吧，出差的时候十二个G。"),
        ("agent", "我看一下您最近几个月的账单，请稍等。"),
        ("agent", "让您久等了，您平均每月用九个G。"),
        ("customer", "可我交的是不限量的钱，我就是这个意思。"),
        ("agent", "明白。畅享套餐有二十个G，出差的月份也够用。"),
        ("customer", "那个要多少钱？"),
        ("agent", "每月五十九元，已经含税。"),
        ("customer", "嗯，改套餐要手续费吗？"),
        ("agent", "保留原号码的话不收手续费。"),
        ("customer", "我家里的信号其实也不太好。"),
        ("agent", "今天就可以安排线路检测，一般什么时候信号不好？"),
        ("customer", "大多是晚上，偏偏在厨房。"),
        ("agent", "那我约今晚检测，结果会发短信给您。"),
        ("customer", "好吧。上次没人回我电话，我差点去找工信部投诉。"),
        ("agent", "这种情况不应该再发生，我已经记下来了。"),
        ("customer", "问题是，蓝海通信同样的套餐只要四十九元。"),
        ("agent", "谢谢您告诉我。那个套餐的流量和合约期是多少？"),
        ("customer", "好像是十五个G，还要签两年，这一点我不太喜欢。"),
    ),
    cards={
        "price": CardWords(
            "做比较，不贬低",
            "问清对方的流量、合约期和手续费，按一年的总费用比较。不要批评对方。可以每月减二十元，为期六个月。",
            "客户说：“蓝海通信同样的套餐只要四十九元”",
            "蓝海通信同样的套餐只要四十九元",
            "客户挽留部",
        ),
        "plan": CardWords(
            "套餐与价格",
            "畅享套餐：二十个G，五十九元。基础套餐：五个G，三十九元。",
            "客户问：“你们现在有哪些套餐？”",
            "你们现在有哪些套餐？",
            "小金",
            "基础套餐：5G，39元。畅享套餐：20G，59元。尊享套餐：不限量，99元。家庭套餐：四张卡，139元。价格均已含税。",
        ),
        "benefit": CardWords(
            "在客户嫌贵之前",
            "现在就说明客户能得到什么：他提到的用量，以及适合的套餐。",
            "在“了解需求”之后，131 次中有 44 % 接着是：嫌贵",
            "可我交的是不限量的钱，我就是这个意思。",
            "客户挽留部",
        ),
    },
    phrases={
        "recording_notice": "告知通话录音",
        "identity": "核实两项身份信息",
        "cooling_off": "十四天反悔期",
        "authority": "向主管部门投诉",
    },
    overtaken="客户说：“那个要多少钱？”",
    alarming="我差点去找工信部投诉",
    summaries=("询问账单，约定回电，但没有回电。", "办理了尊享套餐，流量不限。"),
    promise="就家里信号问题回电",
    objection="我几乎用不上，这个价太贵了",
    crm=(("入网年份", "2019"), ("套餐", "尊享，99元"), ("未结工单", "1")),
    stays="客户改办畅享套餐",
    summary="客户因为别家更便宜想停用，改办畅享套餐后留下。",
)
