"""What a lab's method found in an earlier run, for machines that lack what it needs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from typing import Any, Concatenate, ParamSpec

from wslab.net import Missing
from wslab.view.experiments import Bar, Cell, Link, ResultTable

FOLDER = Path(__file__).with_name("recorded")
"""A file for each topic; `tools/record_results.py` writes it."""

_CELLS: dict[str, type[Bar | Link]] = {"bar": Bar, "link": Link}

live: dict[str, ResultTable] = {}
"""The last live result of each call in this process, by `call`."""

P = ParamSpec("P")
Method = Callable[Concatenate[Any, P], ResultTable]


def recorded_where_missing(method: Method[P]) -> Method[P]:
    """Have a lab's method return its recorded result, which says so, where it raises `Missing`.

    A call that was not recorded raises `Missing` all the same.
    """

    @wraps(method)
    def run(lab: Any, /, *args: P.args, **options: P.kwargs) -> ResultTable:
        called = call(method.__name__, args, options)
        try:
            live[called] = method(lab, *args, **options)
            return live[called]
        except Missing as why:
            try:
                return recorded(lab.topic, called, str(why))
            except LookupError:
                raise why from None

    return run


def call(name: str, args: Iterable[object], options: dict[str, Any]) -> str:
    """A call as it is written: `cut(2, ping=True)`."""
    told = [*map(repr, args), *(f"{key}={value!r}" for key, value in options.items())]
    return f"{name}({', '.join(told)})"


def recorded(topic: str, called: str, why: str) -> ResultTable:
    """The recorded result of a call, which says that it is one, and why. Raises LookupError."""
    path = FOLDER / f"{topic}.json"
    if not path.exists():
        raise LookupError(f"nothing was recorded for {topic}")
    told = json.loads(path.read_text("utf-8"))
    one = told["results"][called]
    rows = [[_read(cell) for cell in row] for row in one["rows"]]
    note = f"RECORDED, not live ({told['recorded']}). {why}"
    return ResultTable(one["headings"], rows, one["kind"], note=note)


def write(topic: str, recorded: str, results: dict[str, ResultTable]) -> Path:
    """Write a topic's file; `recorded` says when, and with which versions."""
    told = {
        name: {
            "headings": table.headings,
            "rows": [[_told(cell) for cell in row] for row in table.rows],
            "kind": table.kind,
        }
        for name, table in results.items()
    }
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{topic}.json"
    text = json.dumps({"recorded": recorded, "results": told}, indent=1, ensure_ascii=False)
    path.write_text(f"{text}\n", "utf-8")
    return path


def _told(cell: Cell) -> str | list[object]:
    return cell if isinstance(cell, str) else [type(cell).__name__.lower(), *cell]


def _read(told: Any) -> Cell:
    return told if isinstance(told, str) else _CELLS[told[0]](*told[1:])
