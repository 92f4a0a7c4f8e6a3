"""Every lesson's lab: what it hands out rests when it closes, and nothing is left behind."""

from __future__ import annotations

import inspect
import pkgutil
import re
import socket
import struct
import threading
from importlib import import_module
from typing import get_type_hints

import pytest
from IPython.core.interactiveshell import InteractiveShell

from wslab import labs
from wslab.course import headings
from wslab.labs import first_connection
from wslab.labs.lesson import Lesson
from wslab.net import NotRunning, loop, running
from wslab.view.experiments import Choice
from wslab.view.live.live_view import LiveView
from wslab.view.live.pump import pump
from wslab.view.panels.browser_socket import BrowserSocket

LESSONS = sorted(module.name for module in pkgutil.iter_modules(labs.__path__))
LESSONS = [name for name in LESSONS if hasattr(import_module(f"wslab.labs.{name}"), "open")]


def live_views(lab: Lesson) -> dict[str, LiveView]:
    """One of every live view that the lab can hand out, shown: by the name of the method."""
    views = {}
    for name, method in inspect.getmembers(lab, inspect.ismethod):
        shown = get_type_hints(method).get("return")
        if name.startswith("_") or not inspect.isclass(shown):
            continue
        if issubclass(shown, (LiveView, BrowserSocket)):
            needed = [
                parameter
                for parameter in inspect.signature(method).parameters.values()
                if parameter.default is parameter.empty
                and parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            ]
            known = {"ask": list(lab.questions)[:1], "on_top": ["stomp"]}
            arguments = known.get(name, ["Ada"] * len(needed))
            if len(arguments) < len(needed):
                continue  # a lab without questions
            view = method(*arguments)
            view._repr_mimebundle_()
            views[name] = view.panel if isinstance(view, BrowserSocket) else view
    return views


@pytest.mark.parametrize("lesson", LESSONS)
def test_nothing_is_left_when_a_lab_is_closed(lesson):
    before, served = set(threading.enumerate()), set(pump._allowed)
    lab = import_module(f"wslab.labs.{lesson}").open()
    lab.connect()
    views = live_views(lab)
    assert {"browser", "client", "wire"} <= views.keys()
    lab.close()
    lab.close()
    assert list(running()) == []
    assert loop.tasks() == []
    forgotten = [name for name, view in views.items() if view in pump._allowed]
    assert forgotten == [], "hand views out with Lesson._show: then they rest when the lab closes"
    # They stay in the page.
    assert [name for name, view in views.items() if view.comm is None] == []
    left = [thread for thread in set(threading.enumerate()) - before if thread.name != "wslab-loop"]
    for thread in left:
        if not (thread.name == "wslab-view" and served):  # it serves somebody else's views too
            thread.join(10)
            assert not thread.is_alive(), thread.name


@pytest.mark.parametrize("lesson", LESSONS)
def test_a_closed_lab_starts_nothing_and_says_what_to_do(lesson):
    lab = import_module(f"wslab.labs.{lesson}").open()
    lab.close()
    for start in (lab.client, lab.browser, lab.connect, lambda: lab.tap_before("ws://a", "a")):
        with pytest.raises(NotRunning, match=f"lab '{lesson}' is closed: run the cell that opens"):
            start()
    wire = lab.wire()  # the recording stays readable
    assert wire not in pump._allowed
    assert list(running()) == []
    wire.close()


def test_a_lab_ends_although_a_peer_is_gone_and_a_part_cannot_be_stopped():
    lab = first_connection.open()
    silent = socket.create_connection((lab.host, lab.port))
    lab.tap.freeze("server")
    silent.sendall(b"GET / HTTP/1.0\r\n\r\n")

    def ends(count: int) -> bool:
        events = lab.capture.events
        return lab.capture.wait_until(lambda: [e.name for e in events].count("eof") == count, 10.0)

    assert ends(1), "the server answers, and ends"
    silent.shutdown(socket.SHUT_WR)
    assert ends(2)
    lab.tap.drop()  # its write would find out first
    silent.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    silent.close()

    class Refuses:
        def stop(self) -> None:
            raise RuntimeError("I stay")

    lab._clients["other"] = Refuses()
    again = first_connection.open()  # which closes the one before
    assert "I stay" in "".join(lab.faults)
    assert not lab.tap.is_running
    assert not lab.server.is_running
    assert again.connect().state == "OPEN"
    again.close()
    assert list(again.faults) == []
    assert list(running()) == []


def what_came_of(told: dict) -> object:
    """An outcome without what differs from run to run: ports, keys, times and rows."""
    lines = [
        (column["name"], column["head"], line["direction"], line["kind"], line["broken"])
        for column in told["columns"]
        for line in column["lines"]
    ]
    # What the two send may cross: only what each of them sends has an order.
    return told["happened"], sorted(lines, key=lambda line: (line[0], line[2]))


@pytest.mark.parametrize(("topic", "method"), [("handshake", "bench"), ("close_codes", "endings")])
def test_an_experiment_is_the_same_whatever_was_tried_before(topic, method):
    with import_module(f"wslab.labs.{topic}").open() as lab:
        gallery = getattr(lab, method)()
        came: dict[str, object] = {}
        names = list(gallery.experiments)
        for name in [*names, *reversed(names)]:  # each after another one than before
            gallery.run(name, *(["websockets"] if topic == "close_codes" else []))
            assert came.setdefault(name, what_came_of(gallery._told[-1])) == what_came_of(
                gallery._told[-1]
            ), name


def test_what_a_client_did_is_found_whatever_crossed_since():
    with first_connection.open() as lab:
        with lab.connect() as first:
            first.send("first")
            first.recv()
        with lab.connect(name="another") as second:
            second.send("second")
            second.recv()
        assert [lab.find("text", "client", of=one).payload for one in (first, second)] == [
            b"first",
            b"second",
        ]
        assert lab.connection_of(first) + 1 == lab.connection_of(second)
        around = lab.connect(lab.server_url, name="around the tap")
        with pytest.raises(LookupError, match="has not connected through this lab's tap"):
            lab.find("text", of=around)


@pytest.mark.parametrize("lesson", LESSONS)
def test_all_that_a_lesson_asks_is_found_in_its_notebook_and_the_first_answer_outlives_the_lab(
    lesson,
):
    topic = import_module(f"wslab.labs.{lesson}")
    cells = [text for text, _ in headings(lesson)]
    asked = [name for text in cells for name in re.findall(r'lab\.ask\("([\w-]+)"\)', text)]
    with topic.open() as lab:
        shown = lab.predictions().asked
        assert [one.name for one in shown if one.name in lab.questions] == asked
        assert {one.name for one in shown} == {*lab.questions, *lab.predicts}
        assert all(one.heading and one.part.startswith("part ") for one in shown)
        if not asked:
            return
        assert "lab.predictions()" in cells
        question = lab.questions[asked[0]]
        right = question.options[question.answer]
        wrong = question.options[question.answer - 1]
        answer(lab.ask(asked[0]), wrong)
    with topic.open() as lab:
        answer(lab.ask(asked[0]), right)
        (again,) = lab.predictions().account()["wrong"]
        assert (again["prompt"], again["said"], again["happened"]) == (
            question.prompt,
            wrong,
            right,
        )


def answer(question, option):
    question._run(question.experiments["question"], Choice(prediction=option))


@pytest.fixture
def shell():
    yield InteractiveShell.instance()
    InteractiveShell.clear_instance()


def test_the_wire_names_what_connects_by_the_cell_or_the_name_that_was_given(shell):
    with first_connection.open() as lab:
        shell.user_ns["lab"] = lab
        for number in (1, 2):
            shell.run_cell("lab.connect().close()", store_history=True).raise_error()
            assert lab.capture.label(number) == f"#{number} cell {number}"
        lab.connect(name="Ada").close()
        assert lab.capture.label(3) == "#3 Ada"
        lab.client().client.connect(lab.url)
        assert lab.capture.label(4) == "#4 client panel"
