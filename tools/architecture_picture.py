"""Draw docs/architecture.svg: the rooms of wslab and the imports between them.

    python tools/architecture_picture.py            # writes the picture
    python tools/architecture_picture.py --check    # exit code 1 if it no longer shows the code

Everything in it is read from the source: a room is a folder, the words in it are its modules, an
arrow says that a module of one room imports one of the other; inside a layer, arrows that follow
from others are left out. So the picture cannot say what the
code does not.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from html import escape

from import_graph import ROOT, python_graph, python_modules

PICTURE = ROOT / "docs" / "architecture.svg"

# Each layer's place: its row, and what it is for. The arrows are the code's.
ROWS = [
    {"commands": "the shell", "labs": "one file a notebook", "exercises": "checks answers"},
    {"conformance": "tries what the RFCs ask of a peer"},
    {"net": "moves bytes", "view": "shows them"},
    {"wire": "explains bytes: pure, no sockets, no widgets"},
]

WIDTH, MARGIN, GAP, LINE = 1200, 20, 14, 17
CHAR = 7.3
"""Pixels that one letter takes at the size of the module names."""
LEAST = 165
"""Pixels that a room needs: more of them stand in several lines."""
BETWEEN_ROWS = 46
BETWEEN_RANKS = 30

Box = tuple[float, float, float, float]  # x, y, width, height
Edges = dict[str, set[str]]


def room_of(module: str) -> str:
    """`wslab.net.tap.relay` is in the room `net/tap`, `wslab.net.loop` in `net` itself."""
    parts = module.split(".")[1:]
    folders = parts if f"wslab.{'.'.join(parts)}" in PACKAGES else parts[:-1]
    return "/".join(folders[:2])


MODULES = python_modules()
PACKAGES = {name for name, path in MODULES.items() if path.name == "__init__.py"}


def rooms() -> dict[str, list[str]]:
    """Each room with the names of its modules, doors left out."""
    found: dict[str, list[str]] = defaultdict(list)
    for module in MODULES:
        if module not in PACKAGES:
            found[room_of(module)].append(module.rpartition(".")[2])
    return found


def room_edges() -> Edges:
    """Which room imports which, doors seen through: a door only passes on what is in its rooms."""
    graph = python_graph()
    found: Edges = defaultdict(set)
    for module, targets in graph.items():
        if module in PACKAGES:
            continue
        for target in targets:
            found[room_of(module)].add(room_of(target))
        found[room_of(module)].discard(room_of(module))
    return found


def ranks(names: list[str], edges: Edges) -> list[list[str]]:
    """The rooms of one layer in rows: arrows lead down, where no two rooms use each other."""
    left, rows = sorted(names), []
    while left:
        inner = {name: edges[name] & set(left) for name in left}
        wanted = set().union(*inner.values())
        # The rooms that no other one uses; where there is none, the ones that are used least.
        row = [name for name in left if name not in wanted]
        if not row:
            uses = {name: sum(name in other for other in inner.values()) for name in left}
            row = [name for name in left if uses[name] == min(uses.values())]
        rows.append(row)
        left = [name for name in left if name not in row]
    return rows


def in_lines(found: list[list[str]], most: int) -> list[list[str]]:
    """The same rows, with at most `most` rooms in each, shared out evenly."""
    lines = []
    for row in found:
        count = -(-len(row) // most)
        size = -(-len(row) // count)
        lines += [row[start : start + size] for start in range(0, len(row), size)]
    return lines


def direct(edges: Edges) -> Edges:
    """The edges that do not follow from others: if a needs b and b needs c, a to c is left out."""

    def reach(start: str) -> set[str]:
        seen: set[str] = set()
        left = [start]
        while left:
            new = edges[left.pop()] - seen
            seen |= new
            left += new
        return seen

    reached = {room: reach(room) for room in list(edges)}
    return {
        room: {
            target
            for target in targets
            if not any(
                target in reached.get(other, ()) and room not in reached.get(other, ())
                for other in targets - {target}
                if other not in reached.get(target, ())
            )
        }
        for room, targets in list(edges.items())
    }


def wrapped(words: list[str], width: float) -> list[str]:
    """Module names in lines of at most `width` pixels."""
    lines = [""]
    for word in sorted(words):
        longer = f"{lines[-1]}  {word}" if lines[-1] else word
        if len(longer) * CHAR > width and lines[-1]:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines


class Picture:
    """The boxes as they come, from top to bottom, and then the arrows between them."""

    def __init__(self) -> None:
        self.rooms, self.edges = rooms(), room_edges()
        self.boxes: dict[str, Box] = {}
        # From back to front: an arrow that leads past a box runs behind it.
        self.layers: list[str] = []
        self.arrows: list[str] = []
        self.front: list[str] = []
        self.height = float(MARGIN)

    def draw(self) -> str:
        for row in ROWS:
            self._row(row)
        self._arrows()
        height = self.height - BETWEEN_ROWS + MARGIN
        return (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" role="img"'
            f' aria-labelledby="title">\n<title id="title">{escape(self._in_words())}</title>\n'
            + "\n".join([STYLE, *self.layers, *self.arrows, *self.front, "</svg>", ""])
        )

    def _row(self, row: dict[str, str]) -> None:
        sizes = {layer: sum(len(" ".join(self.rooms[room])) for room in self._of(layer))
                 for layer in row}  # fmt: skip
        free = WIDTH - 2 * MARGIN - GAP * (len(row) - 1)
        shares = {layer: max(1.0, size) ** 0.5 for layer, size in sizes.items()}
        x, tallest = float(MARGIN), 0.0
        for layer, words in row.items():
            width = free * shares[layer] / sum(shares.values())
            height = self._layer(layer, words, x, self.height, width)
            tallest = max(tallest, height)
            x += width + GAP
        self.height += tallest + BETWEEN_ROWS

    def _of(self, layer: str) -> list[str]:
        return [room for room in self.rooms if room.partition("/")[0] == layer]

    def _layer(self, layer: str, words: str, x: float, y: float, width: float) -> float:
        bottom = y + 30
        most = max(1, int((width - GAP) // (LEAST + GAP)))
        for rank in in_lines(ranks(self._of(layer), self.edges), most):
            each = (width - GAP * (len(rank) + 1)) / len(rank)
            lines = {room: wrapped(self.rooms[room], each - 20) for room in rank}
            height = 30 + LINE * max(len(found) for found in lines.values())
            for number, room in enumerate(rank):
                left = x + GAP + number * (each + GAP)
                self.boxes[room] = (left, bottom, each, height)
                self.front.append(box("room", left, bottom, each, height))
                title = f"{room}/" if "/" in room else f"{room}/*.py"
                self.front.append(text("name", left + 10, bottom + 18, title))
                for row, line in enumerate(lines[room]):
                    self.front.append(text("module", left + 10, bottom + 36 + row * LINE, line))
            bottom += height + BETWEEN_RANKS
        height = bottom - BETWEEN_RANKS + GAP - y
        self.boxes[f"layer {layer}"] = (x, y, width, height)
        self.layers.append(box("layer", x, y, width, height))
        self.front.append(text("title", x + GAP, y + 21, f"{layer}: {words}"))
        return height

    def _arrows(self) -> None:
        between = defaultdict(set)
        inner = direct(self.edges)
        for source, targets in sorted(self.edges.items()):
            for target in sorted(targets):
                first, second = (f"layer {room.partition('/')[0]}" for room in (source, target))
                if first not in self.boxes or second not in self.boxes:
                    continue  # cli, doctor and course stand beside the layers
                if first == second and target not in inner[source]:
                    continue
                if first == second:
                    self.arrows.append(arrow("inner", self.boxes[source], self.boxes[target]))
                else:
                    between[first].add(second)
        for first, targets in sorted(between.items()):
            for second in sorted(targets):
                self.arrows.append(arrow("outer", self.boxes[first], self.boxes[second]))

    def _in_words(self) -> str:
        layers = defaultdict(set)
        for source, targets in self.edges.items():
            for target in targets:
                first, second = source.partition("/")[0], target.partition("/")[0]
                if first != second and {f"layer {first}", f"layer {second}"} <= set(self.boxes):
                    layers[first].add(second)
        return "; ".join(
            f"{layer} imports {', '.join(sorted(others))}"
            for layer, others in sorted(layers.items())
        )


def box(kind: str, x: float, y: float, width: float, height: float) -> str:
    return (
        f'<rect class="{kind}" x="{x:.0f}" y="{y:.0f}" width="{width:.0f}" '
        f'height="{height:.0f}" rx="6"/>'
    )


def text(kind: str, x: float, y: float, words: str) -> str:
    return f'<text class="{kind}" x="{x:.0f}" y="{y:.0f}">{escape(words)}</text>'


def arrow(kind: str, source: Box, target: Box) -> str:
    """From the lower edge of a box to the upper edge of another, or between their sides."""
    sx, sy, sw, sh = source
    tx, ty, tw, th = target
    if sy + sh <= ty:  # down
        # Where the boxes overlap sideways the arrow is upright.
        left, right = max(sx, tx), min(sx + sw, tx + tw)
        x1 = x2 = (left + right) / 2
        if left >= right:
            x1, x2 = min(max(sx + sw / 2, sx), sx + sw), tx + tw / 2
        y1, y2 = sy + sh, ty
        bend = (y2 - y1) / 2
        path = f"M{x1:.0f} {y1:.0f} C{x1:.0f} {y1 + bend:.0f} {x2:.0f} {y2 - bend:.0f} "
        return f'<path class="{kind}" d="{path}{x2:.0f} {y2 - 1:.0f}"/>'
    forward = sx < tx
    x1, x2 = (sx + sw, tx) if forward else (sx, tx + tw)
    y1, y2 = sy + sh / 2, ty + th / 2
    return f'<path class="{kind}" d="M{x1:.0f} {y1:.0f} L{x2:.0f} {y2:.0f}"/>'


STYLE = """\
<defs><marker id="head" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="9" markerHeight="9"
 markerUnits="userSpaceOnUse" orient="auto">
 <path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>
<style>
  text { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; fill: #1a1a1a }
  .title, .name { font-weight: bold } .title { font-size: 15px }
  .module { font-size: 12px; fill: #444 }
  .layer { fill: #f4f6f8; stroke: #9aa5b1 } .room { fill: #fff; stroke: #0072b2 }
  path { fill: none; stroke: #55606c; marker-end: url(#head) }
  .outer { stroke: #d55e00; stroke-width: 2.5 }
  .head { fill: #55606c; stroke: none; marker-end: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #eee } .module { fill: #bbb }
    .layer { fill: #1c2128; stroke: #57606a } .room { fill: #0d1117; stroke: #56b4e9 }
    path { stroke: #9aa5b1 } .outer { stroke: #e69f00 } .head { fill: #9aa5b1 }
  }
</style>"""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if it is stale")
    drawn = Picture().draw()
    if not parser.parse_args().check:
        PICTURE.write_text(drawn, "utf-8")
    elif not PICTURE.exists() or PICTURE.read_text("utf-8") != drawn:
        print(
            f"{PICTURE.relative_to(ROOT)} no longer shows the code: "
            "run `python tools/architecture_picture.py`",
            file=sys.stderr,
        )
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
