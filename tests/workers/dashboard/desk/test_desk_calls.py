"""The call on the screen: it opens by itself, misses nothing, and shows whatever was said as text."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from browsers import picture
from cut_line import line_to
from dashboard_calls import Told, ended, live_call, play, said, started, suggested, turns
from dashboard_site import dashboard_site
from desk_pages import call_now, desk, gone, turns_shown, wait_for_turns
from mined_calls import inbound

from pipeline.store.stage import build
from pipeline.testing import InMemoryStore
from schemas.wire import Role

SCRIPT = "<img src=x onerror=\"document.title='caught'\"><script>document.title='caught'</script>"


async def test_a_call_that_is_opened_in_the_middle_shows_what_was_before_and_grows_in_place(tmp_path: Path) -> None:
    async with dashboard_site() as site:
        call = call_now(tongue="zh")
        told = live_call(call)
        await play(site, told)
        async with desk(site=site, locale="zh-CN", color_scheme="dark") as (_, page):
            script = call.script.turns
            await wait_for_turns(page, len(script))
            assert (await turns_shown(page))[:-1] == [text for _, text in script[:-1]]
            assert await page.locator(".live-turn.partial").count() == 1
            assert "缺失 1 秒音频" in await page.inner_text(".live-turn.gap")
            assert await page.locator(".checklist li.done").count() == 1
            assert await page.locator(".checklist li.overdue").count() == 1
            assert await page.locator(".way .next[visibility=visible]").count() == 4
            assert "46%" in await page.inner_text(".way .unseen")
            assert "2019" in await page.inner_text(".recap")
            await picture(page, "desk-zh", tmp_path)

            last = turns(call)[-1]
            await site.tell(last, told[5].event, told[3].event)
            await gone(page, ".live-turn.partial")
            assert await turns_shown(page) == [text for _, text in script], "late and double ones change nothing"

            before = await page.evaluate("performance.now()")
            await site.tell(said(call, len(script), "好的", Role.CUSTOMER))
            await wait_for_turns(page, len(script) + 1)
            assert await page.evaluate("performance.now()") - before < 2_000
            await site.tell(*ended(call, ms=190_000))
            await page.wait_for_selector(".suggestion >> text=通话已结束")
            assert await page.get_attribute(".suggestion a", "href") == "/calls/call-live"
            nexts = call_now("call-next", ago_s=1, tongue="zh", customer="cust-2")
            await site.tell(started(nexts), said(nexts, 0, "喂"))
            await page.wait_for_selector("text=客户 cust-2")
            assert await turns_shown(page) == ["喂"], "the next call opens by itself"


async def test_a_line_that_breaks_is_told_comes_back_and_nothing_is_missing() -> None:
    async with dashboard_site() as site, line_to(site.url) as line:
        call = call_now(ago_s=90)
        await site.tell(started(call), *turns(call, 4))
        async with desk(site=replace(site, url=line.url)) as (_, page):
            await wait_for_turns(page, 4)
            line.cut()
            await page.wait_for_selector("text=The connection is lost")
            await site.tell(*turns(call, 9)[4:], suggested(call, at_ms=80_000))
            line.mend()
            await wait_for_turns(page, 9)
            assert await turns_shown(page) == [text for _, text in call.script.turns[:9]]
            await page.wait_for_selector(".suggestion.urgent")
            await gone(page, "#banner p")


async def test_what_the_stream_no_longer_has_comes_from_the_store() -> None:
    call, store = call_now(ago_s=90), InMemoryStore()
    handle = build(store=store)
    for one in (started(call), *turns(call, 4)):
        await handle(inbound(one))
    async with dashboard_site(store=store) as site:
        await site.tell(*turns(call, 6)[3:])
        async with desk(site=site) as (_, page):
            await wait_for_turns(page, 6)
            assert await turns_shown(page) == [text for _, text in call.script.turns[:6]]


async def test_script_in_words_card_and_name_is_shown_as_text() -> None:
    async with desk() as (site, page):
        call = call_now(ago_s=20, customer=SCRIPT[:60])
        hostile = suggested(call, at_ms=19_000, title=SCRIPT, text=SCRIPT, reason=SCRIPT, approved_by=SCRIPT)
        await site.tell(started(call), said(call, 0, SCRIPT), said(call, 1, "\u202eevil\u0000"), hostile)
        await page.wait_for_selector(".suggestion .title")
        assert await page.inner_text(".suggestion .title") == SCRIPT
        assert (await turns_shown(page))[0] == SCRIPT
        assert SCRIPT[:60] in await page.inner_text(".desk-facts")
        assert await page.locator("main img, main script").count() == 0
        assert await page.title() == "Desk · convmine"


async def test_two_calls_of_a_chat_agent_have_tabs_and_number_keys() -> None:
    async with desk() as (site, page):
        one, two = call_now("chat-1", ago_s=60, customer="cust-1"), call_now("chat-2", ago_s=30, customer="cust-2")
        await site.tell(started(one), said(one, 0, "first"))
        await page.wait_for_selector("text=Customer cust-1")
        await site.tell(started(two), said(two, 0, "second"), suggested(two, at_ms=29_000))
        await page.wait_for_selector("[role=tab]:has-text('cust-2'):has-text('Urgent')")
        assert await turns_shown(page) == ["first"], "a call that comes does not take the place of the one that is on"
        await page.keyboard.press("2")
        await page.wait_for_selector("text=Customer cust-2")
        assert await turns_shown(page) == ["second"]
        assert page.url.endswith("?call=chat-2")
        await site.tell(said(one, 1, "third"), *ended(two, ms=40_000))
        await page.wait_for_selector("text=The call has ended.")
        await page.keyboard.press("1")
        await page.wait_for_selector("text=Customer cust-1")
        assert await turns_shown(page) == ["first", "third"]


async def test_a_colleagues_call_is_not_there_and_a_supervisor_reads_along() -> None:
    async with dashboard_site() as site:
        call = call_now(ago_s=30)
        await site.tell(started(call), said(call, 0, "between us"), suggested(call, at_ms=29_000))
        async with desk("bob", "/desk?call=call-live", site) as (_, page):
            await page.wait_for_selector("text=There is no such call at the moment.")
            other, none = [
                await page.evaluate(
                    "(path) => fetch(path).then(async (reply) => [reply.status, await reply.text()])", path
                )
                for path in ("/v1/calls/call-live/stream?from=start", "/v1/calls/call-none/stream?from=start")
            ]
            assert (other[0], none[0]) == (404, 404)
            assert other[1].replace("call-live", "") == none[1].replace("call-none", "")
            assert "between us" not in await page.content()
        async with desk("supervisor", "/desk", site) as (_, page):
            await page.click("a:has-text('call-live')")
            await page.wait_for_selector("text=between us")
            await page.wait_for_selector(".suggestion .title")
            assert not await page.is_visible(".suggestion button")
            await page.keyboard.press("a")
            await page.wait_for_timeout(300)
            assert site.feedback() == []


async def test_events_in_any_order_and_twice_give_the_same_call() -> None:
    call = call_now()
    told = [*live_call(call), *(Told(datetime.now(UTC), one) for one in turns(call))]
    events = [
        {
            "type": one.event.event_name,
            "ce_time": one.at.isoformat(),
            **one.event.model_dump(mode="json", exclude_none=True),
        }
        for one in told
    ]
    async with desk() as (_, page):
        found = await page.evaluate(
            """async (events) => {
                const base = document.querySelector('script[type=module]').src.replace('shell.js', 'desk/');
                const { Call } = await import(base + 'call.js');
                const look = (order) => {
                    const call = new Call('call-live');
                    for (const one of order) call.take(one);
                    const rows = call.turns.rows.map((row) => [row.key, row.text, row.final]);
                    const advice = [...call.advice.all.values()].map((one) => [one.id, one.withdrawn]).sort();
                    const alerts = call.alerts.map((one) => one.alert_id);
                    const rest = [call.facts.customer_id, call.checklist.at_ms, call.state.ce_time, call.startedAt];
                    return JSON.stringify([rows, advice, alerts, rest]);
                };
                const seen = new Set([look(events)]);
                let seed = 7;
                const chance = () => (seed = (seed * 16807) % 2147483647) / 2147483647;
                for (let round = 0; round < 300; round += 1) {
                    const order = [...events, ...events].map((one) => [chance(), one]).sort((a, b) => a[0] - b[0]);
                    seen.add(look(order.map(([, one]) => one)));
                }
                return [...seen];
            }""",
            events,
        )
    assert len(found) == 1


async def test_an_hour_of_words_takes_no_more_of_the_page_than_ten_minutes() -> None:
    async with desk() as (site, page):
        call = call_now(ago_s=3_600)
        await site.tell(started(call))
        for first in range(0, 900, 100):
            await site.tell(*(said(call, first + at, f"turn {first + at}") for at in range(100)))
        await page.wait_for_selector("text=turn 899")
        assert await page.locator(".live-turn").count() <= 300
        assert "Earlier words are left out here." in await page.inner_text(".words")
        await page.evaluate("document.querySelector('.words .scroll').scrollTop = 200")
        await page.wait_for_timeout(100)
        await site.tell(said(call, 900, "turn 900"))
        await page.wait_for_selector("button.newest")
        assert await page.evaluate("document.querySelector('.words .scroll').scrollTop") < 400
        await page.click("button.newest")
        await gone(page, "button.newest:visible")
        left = "({scrollHeight, scrollTop, clientHeight}) => scrollHeight - scrollTop - clientHeight"
        assert await page.eval_on_selector(".words .scroll", left) < 5
