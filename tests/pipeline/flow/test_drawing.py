from __future__ import annotations

import re
import time
from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.flow.drawing import Picture, percent, picture
from pipeline.flow.drawing_layers import laid_out
from pipeline.flow.drawing_page import page
from pipeline.flow.drawing_svg import svg
from pipeline.flow.drawing_text import dot, mermaid
from pipeline.flow.mining import Walk, mined

EVIL = '"]; <script>alert(1)</script> \\N %% --> click n0 "javascript:1" & </title></svg>'
SVG = "{http://www.w3.org/2000/svg}"
LABELS = st.text(min_size=1, max_size=30).filter(lambda label: label.strip() and label not in {"(start)", "(end)"})


def flow_of(*walks: tuple[str, ...]) -> Picture:
    return picture(mined([Walk(labels, result="won") for labels in walks]), "a flow")


def test_only_what_is_kept_is_drawn_unless_everything_is_asked_for() -> None:
    flow = mined([Walk(("ask", "offer", "sign"))] * 30 + [Walk(("offer", "ask"))])
    few, everything = picture(flow, "t"), picture(flow, "t", everything=True)
    assert len(everything.arrows) == len(flow.edges) > len(few.arrows)
    assert all(arrow.kept for arrow in few.arrows)
    assert few.notes == (f"31 calls; {len(few.arrows)} of {len(flow.edges)} edges are drawn",)


def test_words_say_shares_times_outcomes_and_returns() -> None:
    flow = mined(
        [Walk(("ask", "offer", "ask"), (0, 150_000, 160_000), 170_000, "won"), Walk(("ask",), None, None, "lost")]
    )
    drawn = picture(flow, "t", everything=True)
    said = {box.label: box for box in drawn.boxes}
    assert said["ask"].lines == ("100% of calls · won 50%",)
    assert "1 come back to it; 50% won of 2 won or lost (9% to 91%)" in said["ask"].about
    assert any(
        "ask → offer: 1 times, 33% of what follows, 2 min later in the median" in one.about for one in drawn.arrows
    )
    assert (percent(0), percent(0.004), percent(0.016), percent(1)) == ("0%", "<1%", "2%", "100%")


def test_no_label_can_leave_its_quotes_in_mermaid_or_dot() -> None:
    drawn = flow_of((EVIL, "b\nc"))
    text = mermaid(drawn)
    assert "script" in text
    assert not re.search(r"[<>](?!br/>|\|)", text.replace("<br/>", "").replace("-->", "").replace("==>", ""))
    assert all(line.count('"') == 2 for line in text.splitlines()[1:])
    for line in dot(drawn).splitlines():
        assert re.fullmatch(r'(?:[^"\\]|"(?:[^"\\]|\\.)*")*', line), "quotes are closed, and what is escaped is a pair"
    assert "\\\\N" in dot(drawn)


@settings(max_examples=40)
@given(st.lists(st.lists(LABELS, max_size=4), min_size=1, max_size=4))
def test_the_svg_is_well_formed_whatever_labels_are(paths: list[list[str]]) -> None:
    drawn = picture(mined([Walk(tuple(path)) for path in paths]), "t", everything=True)
    root = ET.fromstring(svg(drawn))
    boxes = [one for one in root.iter(f"{SVG}g") if one.get("class", "").startswith("box")]
    assert len(boxes) == len(drawn.boxes)
    links = [one for one in root.iter(f"{SVG}g") if one.get("class") == "link"]
    assert len(links) == len(drawn.arrows)


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def test_the_page_needs_nothing_else_and_runs_only_its_own_script() -> None:
    read = _Tags()
    text = page(flow_of((EVIL, "offer")))
    read.feed(text)
    assert [tag for tag, _ in read.tags].count("script") == 1
    assert not [
        name for _, attributes in read.tags for name in attributes if name in {"src", "href"} or name[:2] == "on"
    ]
    (policy,) = (one["content"] for tag, one in read.tags if tag == "meta" and "http-equiv" in one)
    assert policy is not None
    assert policy.startswith("default-src 'none'")
    assert "script-src 'sha256-" in policy
    named = [one for tag, one in read.tags if tag == "g" and one.get("tabindex") == "0"]
    assert len(named) == 4
    assert all(one["aria-label"] for one in named)


def test_long_and_wide_labels_are_broken_into_three_lines_at_most() -> None:
    root = ET.fromstring(svg(flow_of(("a_very_long_label_of_a_step_that_goes_on_and_on_for_ever", "询问价格" * 12))))
    names = [one.text for one in root.iter(f"{SVG}text") if one.get("class") == "name"]
    assert "a_very_long_label_of_" in names
    assert max(len(name or "") for name in names) <= 22
    assert sum((name or "").startswith("询问") or "询" in (name or "") for name in names) == 3


@given(
    st.integers(2, 12).flatmap(
        lambda count: st.tuples(
            st.just(count),
            st.lists(
                st.tuples(st.integers(0, count - 1), st.integers(0, count - 1)).filter(lambda ends: ends[0] != ends[1]),
                max_size=25,
                unique=True,
            ),
            st.integers(0, 25),
        )
    )
)
def test_no_two_boxes_overlap_and_edges_that_are_not_turned_lead_right(
    graph: tuple[int, list[tuple[int, int]], int],
) -> None:
    count, edges, firm = graph
    sizes = [(60.0 + 10 * at, 30.0 + at) for at in range(count)]
    layout = laid_out(sizes, edges, start=0, end=count - 1, firm=firm)
    boxes = [
        (x - width / 2, x + width / 2, y - height / 2, y + height / 2)
        for (x, y), (width, height) in zip(layout.middles, sizes, strict=True)
    ]
    for at, one in enumerate(boxes):
        assert one[0] >= -1e-6
        assert one[1] <= layout.width + 1e-6
        assert one[2] >= -1e-6
        assert one[3] <= layout.height + 1e-6
        for other in boxes[:at]:
            assert one[0] >= other[1] or other[0] >= one[1] or one[2] >= other[3] or other[2] >= one[3]
    for at, (source, target) in enumerate(edges):
        leads_right = layout.middles[source][0] < layout.middles[target][0]
        assert leads_right != (at in layout.turned)
        assert layout.routes[at][0] == layout.middles[source]
        assert layout.routes[at][-1] == layout.middles[target]


def test_an_order_without_crossings_is_found() -> None:
    """Two chains whose boxes are given crosswise."""
    layout = laid_out([(40, 20)] * 6, [(0, 1), (0, 2), (1, 4), (2, 3), (4, 5), (3, 5)], start=0, end=5)
    y = [middle[1] for middle in layout.middles]
    assert (y[1] < y[2]) == (y[4] < y[3])


def test_three_hundred_boxes_are_laid_out_in_half_a_second_of_a_core() -> None:
    edges = [(at, other) for at in range(299) for other in (at + 1, min(299, at + 3)) if at != other]
    edges = list(dict.fromkeys(edges))
    started = time.process_time()
    laid_out([(140, 50)] * 300, edges, start=0, end=299)
    assert time.process_time() - started < 0.5
