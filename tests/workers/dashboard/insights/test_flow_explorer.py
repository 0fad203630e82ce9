"""An analyst explores a flow graph: filters it by share and noise, reads what was seen, goes on to the calls."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from browsers import browser_page, picture
from dashboard_site import dashboard_site
from gateway_app import client_of
from heard_calls import heard_store, rooms_of
from made_flows import put_paths, simple_paths, wide_paths

from pipeline.testing import InMemoryStore

VISIBLE = "() => document.querySelectorAll('.flow-edge:not(.away)').length"
DRAWN_S = 0.5
FILTERED_S = 0.05
_DRAW = """async () => {
  const begun = performance.now();
  document.getElementById("tab-flow").click();
  while (!document.querySelector(".flow-edge")) await new Promise((then) => setTimeout(then, 20));
  await new Promise((then) => requestAnimationFrame(() => setTimeout(then)));
  const now = performance.now();
  const fetched = performance.getEntriesByName("flow-fetched").at(-1).startTime;
  return { whole: now - begun, drawn: now - fetched, steps: document.querySelectorAll(".flow-box").length };
}"""
_FILTER = """(share) => {
  const slider = document.getElementById("least-share");
  slider.value = share;
  slider.dispatchEvent(new Event("input"));
}"""


async def test_an_analyst_filters_the_flow_graph_and_the_address_keeps_it(tmp_path: Path) -> None:
    store = InMemoryStore()
    await put_paths(store, simple_paths())
    async with dashboard_site(rooms=rooms_of(tmp_path), store=store) as site, browser_page() as page:
        await site.sign_in(page, "analyst", "/insights?tab=flow")
        await page.wait_for_selector(".flow-box:not(.away)")
        kept = await page.evaluate(VISIBLE)
        await page.get_by_label("noise, too").check()
        with_noise = await page.evaluate(VISIBLE)
        assert with_noise > kept
        assert f"{with_noise} of {with_noise} edges" in await page.inner_text(".flow-told")
        await page.get_by_label("At least of what follows").focus()
        for _ in range(10):
            await page.keyboard.press("ArrowRight")
        fewer = await page.evaluate(VISIBLE)
        assert fewer < with_noise
        await page.wait_for_url("**x.share=10**")
        asked = parse_qs(urlsplit(page.url).query)
        assert asked["x.share"] == ["10"]
        assert asked["x.noise"] == ["1"]
        await page.reload()
        await page.wait_for_selector(".flow-box:not(.away)")
        assert await page.evaluate(VISIBLE) == fewer

        await page.fill("#find-step", "price")
        assert await page.locator(".flow-box.is-found").count() == 1
        assert await page.locator(".flow-box:not(.away)").count() == 3
        await page.fill("#find-step", "")
        await picture(page, "insights-flow", tmp_path)


async def test_the_graph_is_read_and_left_for_its_calls_by_keyboard_alone(tmp_path: Path) -> None:
    store = InMemoryStore()
    await put_paths(store, simple_paths())
    async with dashboard_site(rooms=rooms_of(tmp_path), store=store) as site, browser_page() as page:
        await site.sign_in(page, "analyst", "/insights?tab=flow")
        await page.wait_for_selector(".flow-box:not(.away)")
        assert await page.locator(".flow-box[tabindex='0']").count() == 1
        await page.locator(".flow-box[tabindex='0']").focus()
        for key in ("ArrowRight", "ArrowRight", "Enter"):
            await page.keyboard.press(key)
        about = page.locator(".flow-about")
        assert await about.locator("h2").inner_text() == "ask needs"
        assert "100 · 100%" in await about.inner_text()
        assert "won (inferred)" in (await about.inner_text()).lower()
        assert "x.pick=ask_needs" in page.url
        await page.locator(".flow-about .neighbours button").first.focus()
        await page.keyboard.press("Enter")
        assert "greeting" in await about.locator("h2").inner_text()
        await page.locator(".flow-about button.main").focus()
        await page.keyboard.press("Enter")
        await page.wait_for_selector("table.calls tbody tr")
        asked = parse_qs(urlsplit(page.url).query)
        assert asked["tab"] == ["calls"]
        assert asked["where"] == ["intent=greeting", "intent=ask_needs"]
        assert await page.locator("table.calls tbody tr").count() == 50


async def test_a_graph_of_300_steps_is_drawn_at_once_and_filtered_without_a_new_layout(tmp_path: Path) -> None:
    store = InMemoryStore()
    await put_paths(store, wide_paths(calls=800))
    async with dashboard_site(rooms=rooms_of(tmp_path), store=store) as site, browser_page() as page:
        await site.sign_in(page, "analyst", "/insights?tab=calls")
        await page.wait_for_selector("table.calls tbody tr")
        browser = await page.context.new_cdp_session(page)
        await browser.send("Performance.enable", {"timeDomain": "threadTicks"})

        async def busy_s() -> float:
            """CPU time of the page's thread: on a machine that is shared, the clock says nothing."""
            found = await browser.send("Performance.getMetrics")
            return next(float(one["value"]) for one in found["metrics"] if one["name"] == "TaskDuration")

        drawn, filtered = [], []
        for _ in range(3):
            before = await busy_s()
            took = await page.evaluate(_DRAW)
            drawn.append(await busy_s() - before)
            places = await page.evaluate("() => document.querySelector('.flow-box').getBoundingClientRect().x")
            for share in (5, 20, 35, 0):
                before = await busy_s()
                await page.evaluate(_FILTER, share)
                filtered.append(await busy_s() - before)
            assert await page.evaluate("() => document.querySelector('.flow-box').getBoundingClientRect().x") == places
            if len(drawn) == 1:
                await picture(page, "insights-flow-300", tmp_path)
            await page.click("#tab-calls")
            await page.wait_for_selector("table.calls tbody tr")
        print({"clock": took, "cpu_s": drawn, "filter_cpu_s": filtered})  # noqa: T201 - the figures, with -s
        assert took["steps"] > 290
        assert min(drawn) <= DRAWN_S
        assert max(min(filtered[at::4]) for at in range(4)) <= FILTERED_S


async def test_the_drawing_has_a_place_for_every_step_and_a_path_for_every_edge(tmp_path: Path) -> None:
    store = await heard_store()
    await put_paths(store, simple_paths(), "insurance")
    async with dashboard_site(rooms=rooms_of(tmp_path), store=store) as site, client_of(site.app) as client:
        found = (await client.get("/v1/flow/insurance/drawing")).json()
        steps = {box["label"] for box in found["boxes"]}
        assert {"(start)", "(end)", "greeting", "make_offer"} <= steps
        edges = {(one["source"], one["target"]) for one in found["flow"]["edges"]}
        assert {(one["source"], one["target"]) for one in found["arrows"]} == edges
        assert all(arrow["line"].startswith("M") for arrow in found["arrows"])
        assert all(0 <= box["x"] <= found["width"] and 0 <= box["y"] <= found["height"] for box in found["boxes"])

        emptied = (await client.get("/v1/flow/insurance/drawing", params={"where": "outcome=open"})).json()
        assert emptied["boxes"] == []
        assert emptied["flow"]["emptied_by"] == "outcome=open (inferred)"
        assert (await client.get("/v1/flow/none/drawing")).status_code == 404
        refused = await client.get("/v1/flow/insurance/drawing", params={"where": "rolle=x"})
        assert refused.status_code == 422
        assert "nearest: role" in refused.json()["hint"]
