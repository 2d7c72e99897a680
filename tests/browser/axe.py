"""What axe-core finds in pages, in their light and their dark look, whether they fit a narrow screen, and fingers."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Page

DJANGOS_OWN = [".breadcrumbs"]
"""Parts of the admin's pages that are not ours to mend."""

RUN = """([exclude, rules]) => axe.run({exclude}, {iframes: false, ...(rules && {runOnly: rules})})
    .then(({ violations }) => violations)"""
AXE = (files("axe_playwright_python") / "axe.min.js").read_text()
COLOURS = ["color-contrast", "link-in-text-block"]
"""The rules that look at colours; for the others a page is the same in both looks."""

OVERHANG = """(letters) => {
  const root = document.documentElement;
  root.style.fontSize = letters;
  const pixels = document.scrollingElement.scrollWidth - innerWidth;
  root.style.fontSize = "";
  return pixels;
}"""
TOO_SMALL = """() => [...document.querySelectorAll("button, summary, select, input:not([type=checkbox])")]
  .map((control) => [control, control.getBoundingClientRect().height])
  .filter(([control, height]) => control.checkVisibility() && height && height < 44)
  .map(([control, height]) => `${control.outerHTML.slice(0, 200)}  ${height}`)
"""


def faults_of(page: Page, *, looks: tuple[str, ...] = ("light", "dark")) -> list[str]:
    """What axe-core finds in a page and its frames, each fault on a line."""
    faults = []
    for frame in page.frames:
        if frame.url == "about:blank":
            continue
        frame.evaluate(AXE)
        faults += _told(frame.evaluate(RUN, [DJANGOS_OWN, None]))
        if "dark" in looks:
            page.emulate_media(color_scheme="dark")
            faults += [f"dark: {each}" for each in _told(frame.evaluate(RUN, [DJANGOS_OWN, COLOURS]))]
            page.emulate_media(color_scheme="light")
    return faults


def _told(violations: list[dict]) -> list[str]:
    return [
        f"{violation['id']}: {node['html'][:200]}  {node['failureSummary']}"
        for violation in violations
        for node in violation["nodes"]
    ]


def overhang(page: Page, *, letters: int = 100) -> dict[str, int]:
    """The pixels by which each of the page's frames is too wide for a screen of 320; those that fit are left out.

    ``letters`` is how large they are, in percent of the usual.
    """
    page.set_viewport_size({"width": 320, "height": 640})
    wide = {each.url: each.evaluate(OVERHANG, f"{letters}%") for each in page.frames}
    return {url: pixels for url, pixels in wide.items() if pixels > 0}


def too_small(page: Page) -> list[str]:
    """The controls of the page's frames that are too low for a finger, with their height in pixels."""
    return [each for frame in page.frames for each in frame.evaluate(TOO_SMALL)]
