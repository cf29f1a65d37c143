"""The dashboard as people use it: looked at and acted with, by hand and by keyboard, on a desk and on a phone."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import httpx
import pytest
from playwright.async_api import Page

from exora.domain.job import JobState

from .conftest import Open
from .scene import CANARY, OPERATE, READ, Scene

pytestmark = pytest.mark.xdist_group("browser")
Keep = Callable[[Page, str], Awaitable[None]]


async def press_yes(page: Page, why: str = "") -> None:
    """Answer the question an act asks."""
    await page.wait_for_selector("dialog[open]")
    await page.fill("dialog input[name=why]", why)
    await page.click("dialog button[value=yes]")


async def test_signing_in_is_refused_and_accepted(open_page: Open, site: Scene, keep: Keep) -> None:
    async with open_page() as page:
        await page.goto("/dashboard/jobs")
        assert page.url.endswith("/dashboard/sign-in")
        await page.fill("input[name=token]", "x" * 40)
        await page.click("text=Sign in >> nth=-1")
        assert await page.inner_text("[role=alert]") == "This token opens nothing here."
        await keep(page, "sign-in")
        await page.fill("input[name=token]", READ)
        await page.click("button.main")
        await page.wait_for_selector("h1:has-text('Overview')")
        assert await page.inner_text(".who small") == "may look"
        assert await page.locator("form.act").count() == 0
        [cookie] = await page.context.cookies()
        assert (cookie["httpOnly"], cookie["sameSite"], READ in cookie["value"]) == (True, "Strict", False)
        await page.click("[aria-label='Sign out']")
        await page.wait_for_selector("h1:has-text('Sign in')")
        await page.goto("/dashboard/")
        assert page.url.endswith("/dashboard/sign-in")


@pytest.mark.parametrize("site", ["direct", "rest"], indirect=True)
async def test_every_act_is_seen_to_act(open_page: Open, site: Scene, keep: Keep) -> None:
    verbs = site.bench.coordinator
    async with open_page(OPERATE) as page:
        await keep(page, "overview")
        lane = page.locator("#lanes tr", has_text="notification_delivery")
        await lane.locator("button:has-text('Pause')").click()
        await page.wait_for_selector("dialog[open]")
        await keep(page, "asks-why")
        await press_yes(page, "provider outage INC 7")
        await page.wait_for_selector(".toast:has-text('The lane is paused')")
        assert "paused" in await page.locator("#lanes tr", has_text="notification_delivery").inner_text()
        paused = {stats.lane for stats in await verbs.queue_stats() if stats.paused_at is not None}
        assert paused == {"notification_delivery", "consent_verification"}
        await page.locator("#lanes tr", has_text="notification_delivery").locator("button:has-text('Resume')").click()
        await page.wait_for_selector(".toast:has-text('open again')")

        api = page.locator("#capacity .api", has_text="openai/gpt-4o-mini")
        await api.locator("button:has-text('Close')").click()
        await press_yes(page, "invoice unpaid")
        await page.wait_for_selector(".toast:has-text('The API is closed')")
        assert "closed by alice (invoice-unpaid)" in await api.inner_text()
        await keep(page, "overview-closed")
        await api.locator("button:has-text('Open')").click()
        await press_yes(page)
        await page.wait_for_selector(".toast:has-text('The API is open again')")
        [opened, closed] = [event for event in await verbs.list_audit(9) if event.event.startswith("api_")]
        assert (closed.event, closed.detail) == (
            "api_closed",
            {
                "provider": "openai",
                "endpoint": "gpt-4o-mini",
                "reason": "operator",
                "by": "alice",
                "why": "invoice-unpaid",
            },
        )
        assert (opened.event, (opened.detail or {})["by"]) == ("api_opened", "alice")

        await page.goto(f"/dashboard/jobs/{site.waiting}")
        assert "none of the 3 live worker(s)" in await page.inner_text(".sentence")
        await page.click("button:has-text('Hold')")
        await press_yes(page)
        await page.wait_for_selector(".toast:has-text('held until you let it go')")
        assert "an operator holds it since" in await page.inner_text(".sentence")
        assert "by alice" in await page.inner_text(".sentence")
        await keep(page, "job-held")
        await page.click("button:has-text('Run now')")
        await page.wait_for_selector(".toast:has-text('may be claimed now')")
        await page.click("button:has-text('Cancel')")
        await press_yes(page, "sent twice")
        await page.wait_for_selector(".toast:has-text('was cancelled')")
        assert (await verbs.get_jobs([site.waiting]))[0].state is JobState.CANCELLED
        trail = [(event.event, event.detail) for event in await verbs.timeline(site.waiting)]
        assert trail[1:] == [
            ("job_held", {"by": "alice"}),
            ("job_hurried", {"by": "alice"}),
            ("job_cancelled", {"by": "alice", "why": "sent-twice"}),
        ]

        await page.goto(f"/dashboard/jobs/{site.running}")
        await page.click("button:has-text('Cancel')")
        await page.wait_for_selector("dialog[open]")
        await page.click("dialog button[value=no]")
        assert (await verbs.get_jobs([site.running]))[0].state is JobState.PROCESSING
        await page.click("button:has-text('Cancel')")
        await press_yes(page)
        await page.wait_for_selector(".toast:has-text('asked to stop it')")
        await keep(page, "job-running")

        await page.goto("/dashboard/audit")
        await page.click("button:has-text('Verify now')")
        await page.wait_for_selector(".tile.good:has-text('whole')")
        assert "by alice" in await page.inner_text("#state")
        await keep(page, "audit")


async def test_dead_letters_are_redriven_one_a_group_and_all(open_page: Open, site: Scene, keep: Keep) -> None:
    verbs = site.bench.coordinator
    site.mended.set()
    async with open_page(OPERATE) as page:
        await page.goto(f"/dashboard/jobs/{site.dead[0]}")
        await keep(page, "job-dead")
        await page.click("button:has-text('Redrive')")
        await page.wait_for_selector(".toast:has-text('Redriven')")
        assert (await verbs.get_jobs([site.dead[0]]))[0].state is not JobState.FAILED

        await page.click("nav >> text=Dead letters")
        await page.wait_for_selector("h1:has-text('Dead letters')")
        await keep(page, "dead-letters")
        groups = page.locator("article.group")
        assert [await groups.nth(place).locator(".many b").inner_text() for place in range(3)] == ["6", "3", "1"]
        await page.locator("article", has_text="document_corrupt").locator("button:has-text('Redrive')").click()
        await press_yes(page)
        await page.wait_for_selector(".toast:has-text('Redriven. 3 jobs.')")
        assert {group.code for group in await verbs.dead_groups()} == {"document_encrypted", "unexpected"}
        await page.click("button:has-text('Redrive all')")
        await press_yes(page)
        await page.wait_for_selector(".toast:has-text('Redriven. 7 jobs.')")
        assert await verbs.dead_groups() == []
        assert "Nothing is dead" in await page.inner_text("#groups")


async def test_jobs_are_filtered_and_paged_and_pages_live(open_page: Open, site: Scene, keep: Keep) -> None:
    async with open_page(READ) as page:
        await page.goto("/dashboard/jobs?lane=notification_delivery")
        first = await page.locator("table.pick a").all_inner_texts()
        await page.keyboard.press("n")
        await page.wait_for_url("**before=**")
        second = await page.locator("table.pick a").all_inner_texts()
        await page.keyboard.press("n")
        await page.wait_for_function(f"!document.querySelector('table.pick').innerText.includes('{second[0][1:]}')")
        third = await page.locator("table.pick a").all_inner_texts()
        assert (len(first), len(second), len(third), len({*first, *second, *third})) == (50, 50, 20, 120)
        await page.select_option("select[name=status]", "completed")
        await page.select_option("select[name=lane]", "")
        await page.click("text=Show")
        await page.wait_for_selector("table.pick .pill.ok")
        assert set(await page.locator("table.pick .pill").all_inner_texts()) == {"completed"}
        await keep(page, "jobs")
        await page.fill("input[name=id]", str(site.finished))
        await page.keyboard.press("Enter")
        await page.wait_for_selector("h1:has-text('" + str(site.finished) + "')")
        assert "3 pages, 42 items" in await page.inner_text("#facts")

        await page.goto(f"/dashboard/jobs/{site.running}")
        assert "has been running it" in await page.inner_text(".sentence")
        site.release.set()
        await page.wait_for_selector(".sentence:has-text('Completed')")


async def test_keys_lead_everywhere_and_the_phone_fits(open_page: Open, keep: Keep) -> None:
    async with open_page(OPERATE, width=390, height=844, dark=True) as page:
        for key, name in (
            ("1", "overview"),
            ("2", "jobs"),
            ("3", "dead"),
            ("4", "workers"),
            ("5", "usage"),
            ("6", "audit"),
        ):
            async with page.expect_navigation(url=f"**/dashboard/{'' if key == '1' else name}"):
                await page.keyboard.press(key)
            overflow = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert overflow <= 0, f"{name} is {overflow} px too wide"
            await keep(page, f"phone-{name}")
        dark = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        await page.keyboard.press("d")
        assert await page.evaluate("getComputedStyle(document.body).backgroundColor") != dark
        async with page.expect_navigation(url="**/jobs"):
            await page.keyboard.press("2")
        await page.keyboard.press("j")
        assert await page.evaluate("document.activeElement.closest('table') !== null")
        await page.keyboard.press("/")
        assert await page.evaluate("document.activeElement.name") == "id"
    async with open_page(OPERATE, dark=True) as page:
        await keep(page, "overview-dark")
        await page.goto("/dashboard/usage?days=30")
        assert "openai/gpt-4o-mini" in await page.inner_text("#models-used")
        await keep(page, "usage-dark")


async def test_nothing_of_a_patient_and_nothing_inline_is_on_any_page(open_page: Open, site: Scene) -> None:
    [job] = await site.bench.coordinator.get_jobs([site.dead[0]])
    paths = [
        "",
        "jobs",
        f"jobs/{site.dead[0]}",
        f"jobs/{site.running}",
        f"jobs/{site.finished}",
        "dead",
        "workers",
        "usage",
        "audit",
    ]
    async with open_page(OPERATE) as page:
        for path in paths:
            answer = await page.goto(f"/dashboard/{path}")
            assert answer is not None
            text = await answer.text()
            assert CANARY not in text
            assert str(job.patient_id) not in text
            assert " style=" not in text
            assert "<script>" not in text
            assert OPERATE not in text
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert answer.headers["cache-control"] == "no-store"


class TestForgery:
    """Requests that did not come from the dashboard's own forms."""

    async def test_acts_want_the_session_its_token_and_its_origin(self, open_page: Open, site: Scene) -> None:
        async with open_page(OPERATE) as page:
            csrf = await page.input_value("#lanes input[name=csrf] >> nth=0")
            [cookie] = await page.context.cookies()
            cookies = {cookie["name"]: cookie["value"]}
        async with open_page(READ) as page:
            [cookie] = await page.context.cookies()
            looking = {cookie["name"]: cookie["value"]}
        form = {"csrf": csrf, "verb": "pause", "lane": "report_generation"}
        origin = {"Origin": site.url}
        signed = cookies["exora_session"]
        tries = [
            ({}, form, origin),
            (cookies, form, {"Origin": "https://evil.example"}),
            (cookies, form, {}),
            (cookies, form | {"csrf": "0" * 64}, origin),
            (cookies, form, origin | {"Sec-Fetch-Site": "cross-site"}),
            (looking, form, origin),
            ({"exora_session": signed[:-1] + ("1" if signed[-1] == "0" else "0")}, form, origin),
            ({"exora_session": "2.9999999999.00.61.00"}, form, origin),
        ]
        for cookies_sent, fields, headers in tries:
            async with httpx.AsyncClient(base_url=site.url, cookies=cookies_sent, headers=headers) as client:
                answer = await client.post("/dashboard/act/lane", data=fields)
                assert answer.status_code == 403, (cookies_sent, headers)
        lanes = {stats.lane: stats.paused_at for stats in await site.bench.coordinator.queue_stats()}
        assert lanes["report_generation"] is None
        async with httpx.AsyncClient(base_url=site.url, cookies=cookies, headers=origin) as client:
            answer = await client.post("/dashboard/act/lane", data=form | {"back": "https://evil.example"})
            assert (answer.status_code, answer.headers["location"]) == (303, "/dashboard/?said=paused")
            assert (await client.post("/dashboard/act/job", data={"csrf": csrf, "verb": "drop"})).status_code == 400
            assert (await client.post("/dashboard/act/lane", data={"csrf": csrf, "x": "y" * 9000})).status_code == 413

    async def test_guessing_a_token_is_slowed_down(self, site: Scene) -> None:
        async with httpx.AsyncClient(base_url=site.url, headers={"Origin": site.url}) as client:
            codes = [(await client.post("/dashboard/sign-in", data={"token": "x"})).status_code for _ in range(14)]
        assert codes[:10] == [403] * 10
        assert 429 in codes

    async def test_an_error_is_a_page_with_a_remedy(self, open_page: Open, site: Scene) -> None:
        async with open_page(READ) as page:
            answer = await page.context.request.get(f"{site.url}/dashboard/jobs/00000000-0000-7000-8000-000000000000")
            assert answer.status == 404
            assert "Look for it in the list of jobs" in await answer.text()
            assert (await page.context.request.get(f"{site.url}/dashboard/static/../site.py")).status == 404
