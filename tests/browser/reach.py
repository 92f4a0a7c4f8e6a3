"""Whether everybody can read and use what a notebook shows: axe, both themes, a narrow page."""

from __future__ import annotations

from real_lab import REPOSITORY

AXE = (REPOSITORY / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")

WIDTH = 320
"""Pixels of a page that WCAG 2.1 (1.4.10) wants to be read without scrolling to the side."""

RUN_AXE = """\
async () => {
  const ours = ['.wslab', '.jp-RenderedHTMLCommon'].filter(name => document.querySelector(name));
  const {violations} = await axe.run({include: ours.map(name => [name])},
    {resultTypes: ['violations']});
  return violations.map(({id, help, nodes}) => `${id}: ${help}: ` +
    nodes.map(({html}) => html.slice(0, 300)).join('\\n  '));
}
"""

# Sentences about what sticks out of a view, and about words and controls that cover each other.
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


def axe(page) -> list[str]:
    """What axe finds on a page, of any impact, in our views and in the text around them."""
    page.evaluate(AXE)
    return page.evaluate(RUN_AXE)


def overlaps(notebook, width: int = WIDTH) -> list[str]:
    """What sticks out or covers something in the views of a page that is `width` pixels wide."""
    page = notebook.page
    before = page.viewport_size
    page.set_viewport_size({**before, "width": width})
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
    """All of it, in both themes; the page's own is the one it ends with."""
    for theme in notebook.both_themes():
        found = axe(notebook.page)
        assert not found, "\n".join([f"axe, {theme}:", *found])
    found = overlaps(notebook)
    assert not found, "\n".join([f"at {WIDTH} pixels:", *found])
