"""The console in a real browser: its pages work under the Content Security Policy, in light and in dark."""

from pathlib import Path

import pytest
from django.test import Client

from sagas.models import SagaStatus
from tests.api.web_process import running_web
from tests.e2e.browser import BINARY, Browser, running_browser
from tests.integration.console import ACCOUNTS, BOOKS, JOURNALS, PAYMENTS, SAGAS, booked, logged_in, ordered, page_of

pytestmark = pytest.mark.skipif(BINARY is None, reason="no Chromium is installed (Debian: apt install chromium)")


def _log_in(browser: Browser, client: Client, url: str) -> None:
    browser.call("Network.setCookie", url=url, name="sessionid", value=client.cookies["sessionid"].value)


def test_every_page_works_without_inline_script_or_style(tmp_path: Path) -> None:
    payment = ordered()
    journal_id = booked(payment)
    status = SagaStatus.objects.get(saga_id=payment.saga_id)
    records = [page_of(status), page_of(payment), page_of(payment.debtor_account), f"{JOURNALS}{journal_id}/change/"]
    with running_web(tmp_path / "web.log") as url, running_browser(tmp_path / "profile") as browser:
        browser.visit(f"{url}/admin/login/")
        _log_in(browser, logged_in(role="operators"), url)
        for path in ("/admin/", SAGAS, PAYMENTS, ACCOUNTS, JOURNALS, BOOKS, *records):
            browser.visit(f"{url}{path}")
            assert browser.evaluate("location.pathname") == path
            assert browser.problems == [], path
        # That nothing was reported means something only if the browser would have reported it.
        browser.evaluate("document.body.innerHTML = '<p style=color:red>x</p>'")
        browser.visit(f"{url}/admin/")
        assert any("style-src" in problem for problem in browser.problems)


def test_the_timeline_has_its_colours_in_light_and_in_dark(tmp_path: Path) -> None:
    status = SagaStatus.objects.get(saga_id=ordered().saga_id)
    ground = "getComputedStyle(document.body).backgroundColor"
    letters = "getComputedStyle(document.querySelector('svg.tl .tl-mark-label')).fill"
    with running_web(tmp_path / "web.log") as url, running_browser(tmp_path / "profile") as browser:
        _log_in(browser, logged_in(role="operators"), url)
        seen = {}
        for theme in ("light", "dark"):
            browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
            browser.visit(f"{url}{page_of(status)}")
            seen[theme] = (browser.evaluate(ground), browser.evaluate(letters))
        assert seen == {
            "light": ("rgb(255, 255, 255)", "rgb(51, 51, 51)"),
            "dark": ("rgb(18, 18, 18)", "rgb(238, 238, 238)"),
        }
