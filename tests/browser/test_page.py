"""The report page as a person sees it, in headless Chromium. Opt-in: `make browser`."""

import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "results" / "report.html"
AXE = "axe-core@4.14.1"
WIDTHS = {1280: 800, 390: 844}
VIEWS = [(width, scheme) for width in WIDTHS for scheme in ("light", "dark")]
# What stands further to the right than the screen, except in a box that scrolls.
TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter((each) =>
    !each.closest(".scroll, .figure, .unseen, svg, [hidden]") && each.checkVisibility()
    && each.getBoundingClientRect().right > innerWidth + 1)
    .map((each) => each.outerHTML.slice(0, 99))"""
SHOWN = """() => [...document.querySelectorAll("article")].filter((each) => each.checkVisibility())
    .map((each) => [each.dataset.kind, each.dataset.place])"""
# The pictures and letters of each figure that take up room on the screen, and all of them.
DRAWN = """() => [...document.querySelectorAll(".figure svg")].map((figure) =>
    [...figure.querySelectorAll("use, image, path[class]")]).map((parts) =>
    [parts.filter((each) => each.getBBox().width + each.getBBox().height > 0), parts])
    .map((each) => each.map((parts) => parts.length))"""
PICTURES = """() => Promise.all([...document.querySelectorAll("image")].map((each) => {
    const picture = new Image(); picture.src = each.getAttribute("href");
    return picture.decode().then(() => picture.naturalWidth) }))"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The accessibility checker, as a script."""
    folder = tmp_path_factory.mktemp("axe")
    command = ["npm", "pack", "--silent", AXE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, f"npm is needed, and its registry: {done.stderr}"
    with tarfile.open(folder / done.stdout.strip()) as packed:
        return packed.extractfile("package/axe.min.js").read().decode()


@pytest.fixture(scope="module")
def opened(browser):
    """A function of (width, scheme, options) that returns the page and what its console said."""

    def of(width=1280, scheme="light", **options):
        viewport = {"width": width, "height": WIDTHS[width]}
        context = browser.new_context(viewport=viewport, color_scheme=scheme, **options)
        page, said = context.new_page(), []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.goto(PAGE.as_uri())
        asked = [each for each in said if each.startswith("file:")]
        said[:] = [each for each in said if not each.startswith(("file:", "data:"))]
        assert asked == [PAGE.as_uri()]
        return page, said

    return of


@pytest.mark.parametrize(("width", "scheme"), VIEWS)
def test_the_page_is_whole_on_every_screen(opened, axe, width, scheme, tmp_path):
    page, said = opened(width, scheme)
    page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(TOO_WIDE) == []
    drawn = page.evaluate(DRAWN)
    assert len(drawn) == len(list((PAGE.parent / "figures").glob("*.svg")))
    # A letter that is a space takes up no room.
    assert all(parts > 0.8 * every > 10 for parts, every in drawn), drawn
    assert all(page.evaluate(PICTURES))
    page.screenshot(path=_shot(tmp_path, f"report-{width}-{scheme}.png"))
    page.evaluate(axe)
    found = page.evaluate("axe.run({ resultTypes: ['violations'] })")["violations"]
    grave = [each for each in found if each["impact"] in ("serious", "critical")]
    assert not grave, json.dumps([(e["id"], e["help"], e["nodes"][:3]) for e in grave], indent=1)
    assert said == []


def _shot(folder, name):
    return Path(os.environ.get("SCREENSHOTS", folder)) / name


def test_the_filters_show_what_they_say(opened):
    page, said = opened()
    every = page.evaluate(SHOWN)
    status = page.locator("#count")
    for chip in page.locator(".chips button").all():
        chip.click()
        kind = chip.get_attribute("data-kind")
        expected = [each for each in every if not kind or each[0] == kind]
        assert page.evaluate(SHOWN) == expected
        assert status.inner_text().startswith(f"{len(expected)} of {len(every)}")
        assert page.locator("[aria-pressed=true]").count() == 1
    page.locator(".chips button").first.click()
    for place in ("Figure 10", "Table 2"):
        page.get_by_label("Table, figure or section").select_option(place)
        assert page.evaluate(SHOWN) == [each for each in every if each[1] == place]
        assert page.locator(".experiment:visible").count() == len({*_profiles(page, place)})
    # Of a verdict that is pressed a second time, nothing is hidden.
    page.get_by_label("Table, figure or section").select_option("")
    opposite = page.locator(".chips [data-kind=opposite]")
    opposite.click()
    assert len(page.evaluate(SHOWN)) < len(every)
    opposite.click()
    assert page.evaluate(SHOWN) == every
    assert said == []


def _profiles(page, place):
    ids = page.locator(f"article[data-place='{place}']").evaluate_all("all => all.map(e => e.id)")
    return (each.rpartition("-")[0] for each in ids)


def test_a_link_to_a_hidden_claim_shows_it(opened):
    page, _ = opened()
    page.locator(".chips [data-kind=open]").click()
    target = page.locator("article[data-kind=reproduced]").first
    assert not target.is_visible()
    page.evaluate(f"location.hash = '{target.get_attribute('id')}'")
    target.wait_for(state="visible")
    assert page.locator(".chips [data-kind='']").get_attribute("aria-pressed") == "true"


def test_the_keyboard_reaches_the_filters_and_every_seed(opened):
    page, _ = opened()
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "Skip to the verdicts"
    for _ in range(3):
        page.keyboard.press("Tab")
    chip = page.locator(":focus")
    page.keyboard.press("Enter")
    assert chip.get_attribute("aria-pressed") == "true"
    outline = chip.evaluate("each => getComputedStyle(each).outlineStyle")
    assert outline == "solid"
    points = page.locator("article:visible .strip").first.locator(".seed")
    assert points.count() > 1
    points.first.focus()
    for i in range(points.count()):
        tip = points.nth(i).locator(".tip")
        assert tip.is_visible()
        assert tip.text_content() == page.locator(":focus").get_attribute("aria-label")
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Tab")
    assert page.locator(":focus").get_attribute("class") != "seed"


def test_a_seed_shows_its_value_under_the_pointer(opened):
    page, _ = opened()
    point = page.locator(".seed").first
    assert not point.locator(".tip").is_visible()
    point.locator(".dot").hover(force=True)
    assert point.locator(".tip").is_visible()


def test_without_scripts_everything_can_be_read(opened):
    page, _ = opened(java_script_enabled=False)
    assert page.locator("article").count() == page.locator("article:visible").count() > 50
    assert not page.locator("#count").is_visible()
    assert page.locator(".chips button").first.is_disabled()
    assert page.locator(".seed[tabindex='0']").count() == page.locator(".seed").count()
