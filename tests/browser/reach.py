"""Whether everybody can read and use what a notebook shows: axe, both themes, a narrow page."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from real_lab import REPOSITORY

AXE = (REPOSITORY / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")

WIDTH = 320
"""Pixels of a page that WCAG 2.1 (1.4.10) wants to be read without scrolling to the side."""

ZOOMED = (640, 450)
"""Pixels that are left of a page of 1280 x 900 at a zoom of 200% (WCAG 2.1, 1.4.4)."""

EXPORT = """\
import sys
from nbconvert.nbconvertapp import NbConvertApp

path, name = sys.argv[1:]
for theme in ("light", "dark"):
    NbConvertApp.clear_instance()
    options = ["--log-level=ERROR", f"--theme={theme}", f"--output={name}-{theme}"]
    NbConvertApp.launch_instance(["--to=html", *options, path])
"""

RUN_AXE = """\
async rules => {
  const ours = ['.wslab', '.jp-RenderedHTMLCommon'].filter(name => document.querySelector(name));
  const options = {resultTypes: ['violations']};
  if (rules.length) options.runOnly = rules;
  const {violations} = await axe.run({include: ours.map(name => [name])}, options);
  return violations.map(({id, help, nodes}) => `${id}: ${help}: ` +
    nodes.map(({html}) => html.slice(0, 300)).join('\\n  '));
}
"""

# Sentences about what sticks out of a view, words that are cut off, and words and controls that
# cover each other.
OVERLAPS = """\
view => {
  const name = element => `${element.tagName.toLowerCase()}.${[...element.classList].join('.')} ` +
    JSON.stringify((element.innerText || element.value || '').slice(0, 40));
  // Of a box, what the boxes around it leave to be seen, scrolled or not.
  const seen = (element, {left, top, right, bottom}) => {
    for (let e = element.parentElement; e && e !== view; e = e.parentElement) {
      if (getComputedStyle(e).overflowX === 'visible') continue;
      const box = e.getBoundingClientRect();
      left = Math.max(left, box.left); right = Math.min(right, box.right);
      top = Math.max(top, box.top); bottom = Math.min(bottom, box.bottom);
    }
    return {left, top, right, bottom};
  };
  const edge = view.getBoundingClientRect();
  const found = [], things = [];
  for (const element of view.querySelectorAll('*')) {
    if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    // The last two stick to the edge of a box that scrolls.
    const aside = '.ws-unseen, .ws-probe, option, svg, iframe, .ws-keys, .ws-timeline thead';
    if (element.closest(aside)) continue;
    if (element.parentElement.closest('button, select, summary')) continue;
    const control = element.matches('button, input, select, textarea, summary');
    const words = [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim());
    if (!control && !words) continue;
    for (const part of element.getClientRects()) {
      const box = seen(element, part);
      if (box.right - box.left < 1 || box.bottom - box.top < 1) continue;
      if (box.right > edge.right + 1 || box.left < edge.left - 1)
        found.push(`sticks out: ${name(element)}`);
      things.push([element, box]);
    }
  }
  // Words that run out of a box which neither scrolls nor says "…".
  const texts = document.createTreeWalker(view, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || element.closest('.ws-unseen, .ws-probe, option, svg'))
      continue;
    if (!element.checkVisibility({opacityProperty: true, visibilityProperty: true})) continue;
    const range = document.createRange();
    range.selectNodeContents(texts.currentNode);
    const {left, right} = range.getBoundingClientRect();
    for (let e = element; e; e = e === view ? null : e.parentElement) {
      const style = getComputedStyle(e), box = e.getBoundingClientRect();
      if (style.overflowX === 'auto' || style.overflowX === 'scroll') break;
      if (style.overflowX === 'visible' && e !== view) continue;
      if (style.textOverflow === 'ellipsis' || style.webkitLineClamp !== 'none') break;
      if (box.width < 2) break;
      if (right > box.right + 2 || left < box.left - 2) found.push(`is cut off: ${name(element)}`);
    }
  }
  for (const [place, [one, a]] of things.entries()) {
    for (const [other, b] of things.slice(place + 1)) {
      if (one.contains(other) || other.contains(one)) continue;
      const across = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      const down = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (across > 2 && down > 3) found.push(`${name(one)} covers ${name(other)}`);
    }
  }
  return found;
}
"""


COLOURS = ("color-contrast", "link-in-text-block")
"""The rules of axe that a theme can break."""

EMPTY_OUTPUTS = """\
() => [...document.querySelectorAll('.jp-OutputArea')]
  .filter(area => !area.innerText.trim() && !area.querySelector('img, svg'))
  .map(area => area.closest('.jp-Cell').innerText)
"""


def axe(page, rules: tuple[str, ...] = ()) -> list[str]:
    """What axe finds on a page, of any impact, in our views and in the text around them.

    With `rules` only those; otherwise all that it has.
    """
    page.evaluate(AXE)
    return page.evaluate(RUN_AXE, list(rules))


def overlaps(notebook, width: int = WIDTH, height: int = 900) -> list[str]:
    """What sticks out, is cut off or covers something in the views of a page of that size."""
    page = notebook.page
    before = page.viewport_size
    page.set_viewport_size({"width": width, "height": height})
    # Two frames: views that look at their own width have been laid out anew by then.
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    found = []
    for view in page.locator(".wslab").all():
        if view.is_visible():
            kind = view.get_attribute("data-wslab")
            found += [f"{kind}: {sentence}" for sentence in view.evaluate(OVERLAPS)]
    page.set_viewport_size(before)
    return found


def check(notebook) -> None:
    """All of it, in both themes; the page stays in the other one."""
    for theme in notebook.both_themes():
        found = axe(notebook.page)
        assert not found, "\n".join([f"axe, {theme}:", *found])
    for size in ((WIDTH, 900), ZOOMED):
        found = overlaps(notebook, *size)
        assert not found, "\n".join([f"at {size[0]} pixels:", *found])
    check_export(notebook)


def export(path: Path) -> None:
    """Export a saved notebook to `…-light.html` and `…-dark.html` beside it."""
    settings = str(REPOSITORY / "wslab" / "jupyter")
    environment = {**os.environ, "JUPYTER_CONFIG_PATH": settings, "JUPYTER_PATH": settings}
    command = [sys.executable, "-c", EXPORT, path.name, path.stem]
    done = subprocess.run(
        command, cwd=path.parent, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr


def check_export(notebook) -> None:
    """As a page of its own, offline: no output is empty, axe finds nothing, and it fits."""
    notebook._in_page("await app.commands.execute('docmanager:save')", 60)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "lesson.ipynb"
        path.write_bytes((notebook.lab.root / notebook.name).read_bytes())
        export(path)
        page = notebook.page.context.browser.new_page(offline=True)
        try:
            # The dark page differs from the light one in its colours alone.
            for theme, rules in (("light", ()), ("dark", COLOURS)):
                page.goto((path.parent / f"lesson-{theme}.html").as_uri())
                assert page.evaluate(EMPTY_OUTPUTS) == []
                found = axe(page, rules)
                assert not found, "\n".join([f"axe, the exported page, {theme}:", *found])
            for width in (WIDTH, ZOOMED[0]):
                page.set_viewport_size({"width": width, "height": 900})
                assert page.evaluate("document.documentElement.scrollWidth") <= width
        finally:
            page.close()
