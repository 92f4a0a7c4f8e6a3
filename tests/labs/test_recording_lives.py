"""How long a lab's recording lives: as long as the lab, a variable or a page needs it."""

from __future__ import annotations

import gc
import importlib
import pkgutil
import weakref

import pytest

from wslab import labs
from wslab.labs import first_connection
from wslab.wire import Capture

TOPICS = [
    module.name
    for module in pkgutil.iter_modules(labs.__path__)
    if hasattr(importlib.import_module(f"wslab.labs.{module.name}"), "open")
]


def alive(recording: weakref.ref[Capture]) -> bool:
    gc.collect()
    return recording() is not None


def shown(lab):
    """A wire view that a cell has displayed."""
    view = lab.wire()
    assert view._repr_mimebundle_()
    return view


def hear(view, monkeypatch) -> list[dict]:
    """What a resting view tells its pages from now on."""
    told = []
    monkeypatch.setattr(view, "_post", lambda content, buffers: told.append(content))
    return told


@pytest.mark.parametrize("topic", TOPICS)
def test_a_recording_goes_with_its_lab(topic):
    def run() -> weakref.ref[Capture]:
        with importlib.import_module(f"wslab.labs.{topic}").open() as lab:
            for view in ("wire", "client", "browser", "bench", "endings", "states", "workshop"):
                if hasattr(lab, view):
                    getattr(lab, view)()
            lab.connect(name="code")
        return weakref.ref(lab.capture)

    assert not alive(run())


def test_ten_runs_of_a_notebook_keep_one_recording_at_most():
    recordings, out = [], []
    for _ in range(10):
        lab = first_connection.open()
        out.append(shown(lab))
        recordings.append(weakref.ref(lab.capture))
    lab.close()
    del lab
    assert sum(map(alive, recordings)) <= 2  # the last, and the one that its cells may still show


def test_a_page_that_shows_a_resting_view_is_answered_until_it_has_replaced_it(monkeypatch):
    lab = first_connection.open()
    recording = weakref.ref(lab.capture)
    with lab.connect() as client:
        client.send("Hello")
        client.recv()
    view = shown(lab)
    lab.close()
    told = hear(view, monkeypatch)
    for page in ("one", "two"):
        view._page_says({"do": "hello", "page": page, "count": 0})
    assert told[0]["rows"]["rows"] == len(lab.capture.index)
    with first_connection.open() as lab:
        view._page_says({"do": "bye", "page": "one"})
        told.clear()
        view._page_says({"do": "detail", "number": 0, "page": "two"})
        assert told[0]["detail"]["kind"] == "request"
        view._page_says({"do": "bye", "page": "two"})
        assert view.comm is None
        assert not alive(recording)  # though `view` is still here, as in IPython's `Out`
        view.close()
        view.rest()


def test_a_view_of_the_last_lab_may_come_back_into_a_page(monkeypatch):
    lab = first_connection.open()
    view = shown(lab)
    lab.close()
    told = hear(view, monkeypatch)
    view._page_says({"do": "hello", "page": "one", "count": 0})
    view._page_says({"do": "bye", "page": "one"})  # the notebook was closed, the kernel was not
    told.clear()
    view._page_says({"do": "hello", "page": "another", "count": 0})
    assert told


def test_a_view_in_a_variable_can_be_shown_after_its_lab(monkeypatch):
    lab = first_connection.open()
    view = lab.wire()
    lab.connect(name="code")
    lab.close()
    first_connection.open().close()
    recording = weakref.ref(lab.capture)
    del lab
    told = hear(view, monkeypatch)
    assert view._repr_mimebundle_()
    view._page_says({"do": "hello", "page": "one", "count": 0})
    assert told[-1]["rows"]["rows"] == len(view.capture.index)
    assert alive(recording)
