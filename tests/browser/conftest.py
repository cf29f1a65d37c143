"""A real Chromium, headless, driven by Playwright: the one Debian installs."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright

from tests.browser.scene import Scene, scene

ROOT = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync"]  # fmt: skip

Open = Callable[..., AbstractAsyncContextManager[Page]]


@pytest.fixture
async def site(embedded_dsn: str, request: pytest.FixtureRequest) -> AsyncIterator[Scene]:
    """A worker's dashboard with something to see, which reaches the database directly or, asked so, over REST."""
    async with scene(embedded_dsn, rest=getattr(request, "param", "direct") == "rest") as made:
        yield made


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A browser of its own, with a profile of its own."""
    path = shutil.which("chromium")
    assert path is not None, "the browser tests need Debian's chromium: apt-get install chromium"
    async with async_playwright() as driver:
        launched = await driver.chromium.launch(executable_path=path, headless=True, args=FLAGS)
        yield launched
        await launched.close()


@pytest.fixture
def open_page(browser: Browser, site: Scene) -> Open:
    """Opens a page, signed in if a token is given; whatever its console complains about fails the test."""

    @contextlib.asynccontextmanager
    async def opened(
        token: str | None = None, *, width: int = 1400, height: int = 900, dark: bool = False
    ) -> AsyncIterator[Page]:
        context = await browser.new_context(
            viewport={"width": width, "height": height}, color_scheme="dark" if dark else "light", base_url=site.url
        )
        page = await context.new_page()
        page.set_default_timeout(15_000)
        complaints: list[str] = []
        foreign: list[str] = []
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: None if request.url.startswith(site.url) else foreign.append(request.url))
        if token is not None:
            await page.goto("/dashboard/")
            await page.fill("input[name=name]", "alice")
            await page.fill("input[name=token]", token)
            await page.keyboard.press("Enter")
            await page.wait_for_selector("h1:has-text('Overview')")
        yield page
        await context.close()
        assert foreign == [], "everything comes from this very site"
        assert [one for one in complaints if "status of 403" not in one] == []

    return opened


@pytest.fixture
def keep() -> Callable[[Page, str], asyncio.Future[None] | object]:
    """Keeps a screenshot under build/screenshots."""

    async def kept(page: Page, name: str) -> None:
        folder = ROOT / "build" / "screenshots"
        folder.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=folder / f"{name}.png", full_page=True)

    return kept
