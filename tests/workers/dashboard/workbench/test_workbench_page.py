"""The workbench in a browser: a card from its first word to its approval, by two people who get in each other's way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from browsers import browser_page, picture
from dashboard_site import dashboard_site
from playwright.async_api import expect
from workbench_bench import HOSTILE, workplace

CARDS = "/workbench?tab=cards&scenario=telecom&language=en"
NAME = ("telecom", "en", "ask-reason")


async def test_two_people_write_one_card_and_the_second_is_shown_the_difference(tmp_path: Path) -> None:
    place = await workplace(tmp_path)
    async with dashboard_site([place.room], store=place.store) as site, browser_page() as lin:
        await site.sign_in(lin, "analyst", CARDS)
        await lin.click("#new-card")
        await lin.fill("#asked", "ask-reason")
        await lin.keyboard.press("Enter")
        await lin.fill("#card-title", HOSTILE)
        await lin.keyboard.press("Control+Enter")
        await expect(lin.locator("#wrong-text")).not_to_be_empty()
        await lin.fill("#card-text", "Ask what it is compared with.")
        await lin.select_option("#card-trigger-intent", "price_objection")
        await lin.reload()
        await expect(lin.locator("#card-text")).to_have_value("Ask what it is compared with.")
        await lin.click("#try")
        await expect(lin.locator(".tried > li")).to_have_count(2)
        await expect(lin.locator(".tried blockquote").first).to_contain_text(HOSTILE)
        await lin.press("#card-text", "Control+Enter")
        await expect(lin.locator(".draft h3")).to_contain_text("version 1")
        await expect(lin.locator("#approve")).to_be_disabled()

        context = await lin.context.browser.new_context()
        sue = await context.new_page()
        await site.sign_in(sue, "supervisor", f"{CARDS}&item=ask-reason")
        await expect(sue.locator("#card-title")).to_have_value(HOSTILE)
        await sue.fill("#card-priority", "61")
        await sue.press("#card-priority", "Control+Enter")
        await expect(sue.locator(".draft h3")).to_contain_text("version 2")

        await lin.fill("#card-text", "Ask twice.")
        await lin.press("#card-text", "Control+Enter")
        await expect(lin.locator(".conflict h3")).to_contain_text("k-supervisor")
        await picture(lin, "workbench-conflict", tmp_path)
        await expect(lin.locator("#card-priority")).to_have_value("61")  # nobody else touched it
        await lin.click("[data-take=text]")
        await expect(lin.locator("#card-text")).to_have_value("Ask what it is compared with.")
        await lin.fill("#card-text", "Ask twice.")
        await lin.click("#save")
        await expect(lin.locator(".draft h3")).to_contain_text("version 3")
        content = place.published().drafts[NAME].content
        assert (content["priority"], content["text"], content["title"]) == (61, "Ask twice.", HOSTILE)

        await sue.reload()
        await approves(sue)
        assert await sue.title() == "Workbench · convmine"
        await picture(sue, "workbench-approved", tmp_path)
    assert place.published().cards[NAME].approved_by == "k-supervisor"
    cards = place.library("telecom", "acme").editions["en"].playbook.cards
    assert "ask-reason" in {card.id for card in cards}


async def approves(page: Any) -> None:
    """By the keyboard alone, from the draft on."""
    await page.focus("#approve")
    await page.keyboard.press("Enter")
    await page.keyboard.type("good")
    await page.keyboard.press("Enter")
    await expect(page.locator("header .badge.good")).to_have_text("approved")


async def test_words_are_published_prompts_rendered_and_the_history_tells_both(tmp_path: Path) -> None:
    place = await workplace(tmp_path)
    async with dashboard_site([place.room], store=place.store) as site, browser_page(color_scheme="dark") as page:
        await site.sign_in(page, "supervisor", "/workbench?tab=words&scenario=telecom&language=en")
        await page.click("[data-add=forbidden_phrases]")
        rule = page.locator(".rule").filter(has=page.locator("input:focus"))
        await page.keyboard.type("good_morning")
        await rule.get_by_label("Title").fill("Greets")
        await rule.get_by_label("Wordings").fill("good morning how can")
        await page.click("#words-try")
        await expect(page.locator("blockquote", has_text="good morning how can").first).to_contain_text("new")
        await page.click("#words-differ")
        await expect(page.locator(".difference ins").first).to_contain_text("+")
        await page.fill("#words-reason", "tried it")
        await page.click("#publish")
        await expect(page.locator(".panel h2").first).to_contain_text("version 2", timeout=20_000)
        await picture(page, "workbench-words", tmp_path)
        await page.click("[data-tab=prompts]")
        await page.click("#render")
        await expect(page.locator("pre").last).to_contain_text("<transcript>")
        await picture(page, "workbench-prompts", tmp_path)
        await page.click("[data-tab=history]")
        await expect(page.locator("tbody tr").first).to_contain_text("tried it")
    assert place.published().scenarios["telecom"].scenario_version == 2
