"""Words that name a theme: those that are neither function words nor said whatever somebody wants."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pipeline.store.sparse import tokens

_ENGLISH: Final = """
a about above after again against all already also am an and another any anything are as ask asking at away back be
because been before being below between both but by call called calling came can cannot can't come coming could did
didn't do does doesn't doing don't down each either else even ever every everything few for from further get getting
give go going gonna good got guy had happen happened has hasn't have haven't having he he'd he'll he's hello help
helping her here hers herself hey hi him himself his how i i'd i'll i'm i've if in into is isn't it it'd it'll it's its
itself just kind know last let let's like likely little long look looking lot made make making many may maybe me might
mine more most much must my myself need needed needing never new next no nor not nothing now of off oh ok okay on once
one only or other our out over own per perhaps please possible pretty quite rather really right said same say saying see
seem she should since so some somebody someone something sorry still such sure take tell than thank thanks that that's
the their them then there there's these they they're thing think this those though through to today together too
tried try trying uh um under until up us use used using very want wanted wanting was wasn't way we we'd we'll we're
we've well were what what's when where whether which while who whole whom why will wish with within without won't
wonder wondering would wouldn't yeah yes yet you you'd you'll you're you've your yours yourself
""".split()  # noqa: SIM905 - a list of 300 strings is a page of quotes
_CHINESE: Final = """
的 了 我 你 您 他 她 它 是 在 不 就 都 也 和 与 有 没有 这 那 这个 那个 一个 一下
吗 呢 吧 啊 哦 嗯 好 好的 可以 能 能不能 会 想 要 想要 需要 请 请问 帮 帮我 给 把 被 让
对 从 到 上 下 里 我们 你们 他们 什么 怎么 怎样 怎么样 哪 哪个 为什么 多少 几 还 很 太 再 又 说
去 来 看 看看 知道 觉得 现在 然后 因为 所以 但是 如果 就是 不是 还是 是不是 有没有 谢谢 你好 您好 麻烦
""".split()  # noqa: SIM905 - as above
_EMPTY: Final = frozenset({*_CHINESE, *(token.term for word in _ENGLISH for token in tokens(word))})
"""Function words of English and Chinese, and the verbs of any request, as the tokeniser has them: ``thi`` of this."""


def content_words(terms: Iterable[str]) -> tuple[str, ...]:
    """The terms that say what it is about, in their order."""
    return tuple(term for term in terms if term not in _EMPTY and not (term.isascii() and len(term) == 1))
