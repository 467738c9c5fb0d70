"""What axe-core, the checker that browsers' own tools use, finds wrong on a page by the rules of WCAG A and AA."""

from pathlib import Path
from typing import Literal

from playwright.sync_api import Page

PROGRAM = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# What a program drew, in the colours it chose. xterm tells screen readers of it in its own way.
NOT_OURS = [".xterm-screen"]
NARROW = 390  # pixels

_LOOK = """async ({ rules, without }) => {
  const { violations } = await axe.run({ exclude: without }, { runOnly: rules, resultTypes: ["violations"] });
  return violations.map(({ id, nodes }) => {
    const [{ target, failureSummary }] = nodes;
    const why = failureSummary.split("\\n").slice(1).map((line) => line.trim()).join("; ");
    return `${id}, ${nodes.length} times, first at ${target.join(" ")}: ${why}`;
  });
}"""


def check(page: Page) -> None:
    """In both themes, and as narrow as a phone. The motion that would blend colours is left out."""
    if not page.evaluate("'axe' in window"):
        assert PROGRAM.exists(), "axe-core is missing: python3 mesh/bootstrap.py --dev installs it"
        page.evaluate(PROGRAM.read_text())
    wide = page.viewport_size
    assert wide
    found = _faults(page, "light") + _faults(page, "dark")
    page.set_viewport_size({**wide, "width": NARROW})
    found += _faults(page, "light", "narrow, ")
    page.set_viewport_size(wide)
    assert not found, "\n".join([page.url, *found])


def _faults(page: Page, theme: Literal["light", "dark"], shape: str = "") -> list[str]:
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")
    told = page.evaluate(_LOOK, {"rules": RULES, "without": NOT_OURS})
    return [f"{shape}{theme}: {each}" for each in told]
