"""The reference of the WebAPI in a real browser: whole, usable, and without a request that leaves the box."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.webapi.openapi import web_types
from tests.browser import CHROMIUM, browsing
from tests.unit.serving import web_serving

pytestmark = [pytest.mark.wires, pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here")]

SEND = """
(async () => {
  const form = document.querySelector('form[data-type="%s"]');
  for (const [name, value] of Object.entries(%s)) form.elements[name].value = value;
  form.querySelector('button').click();
  const shown = form.querySelector('output');
  for (let turn = 0; turn < 500 && !/HTTP|no answer/.test(shown.textContent); turn++)
    await new Promise(done => setTimeout(done, 20));
  return shown.textContent;
})()
"""


async def test_the_page_is_whole_and_a_message_can_be_sent_from_it(tmp_path: Path) -> None:
    async with web_serving() as server, browsing(tmp_path) as page:
        box = f"http://127.0.0.1:{server.port}"
        await page.open(f"{box}/docs")
        headings = await page.run("[...document.querySelectorAll('h2')].map(one => one.textContent)")
        assert headings == [*(kind.wire_name() for kind in web_types()), "Result codes"]
        assert await page.run("getComputedStyle(document.body).display") == "grid"
        answer = await page.run(SEND % ("TEST", '{requestid: "77"}'))
        assert "HTTP 200 text/xml" in answer
        assert "<REQUESTID>77</REQUESTID>" in answer
        values = '{uniquefield: "user2", uniqueid: "Order 7782", media_format: "mp3"}'
        assert "HTTP 200 audio/mpeg" in await page.run(SEND % ("EXPORT", values))
        refused = await page.run(SEND % ("CALLSTART", '{requestid: "5", user1: "<b>x</b>"}'))
        assert "<RESULTCODE>8</RESULTCODE>" in refused
        assert await page.run("document.querySelectorAll('output b').length") == 0
        assert page.complaints == []
        assert {url for url in page.asked if not url.startswith((f"{box}/", "data:"))} == set()
        assert f"{box}/docs/reference.js" in page.asked


async def test_nothing_may_be_put_into_the_page(tmp_path: Path) -> None:
    async with web_serving() as server, browsing(tmp_path) as page:
        await page.open(f"http://127.0.0.1:{server.port}/docs/")
        picture = '<img src="http://192.0.2.1/x.png" onerror="window.bad=1">'
        await page.run(f"document.body.insertAdjacentHTML('beforeend', '{picture}')")
        await page.run("new Promise(done => setTimeout(done, 200))")
        assert await page.run("window.bad === undefined")
        assert any("Content Security Policy" in text for text in page.complaints)
