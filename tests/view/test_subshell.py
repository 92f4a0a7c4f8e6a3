"""Where a page's word to a widget is heard: not behind the running cell."""

from __future__ import annotations

from types import SimpleNamespace

from ipykernel.comm.comm import BaseComm

from wslab.view.live.subshell import handle_on_subshell


def test_what_a_page_says_goes_where_it_was_sent_whoever_wrote_last():
    comm = BaseComm(target_name="jupyter.widget", comm_id="w", primary=False)
    comm._reply_subshell_id = None  # as after a message of the main thread's
    assert comm._reply_subshell_for({}, "the widgets' subshell") is None
    handle_on_subshell(SimpleNamespace(comm=comm))
    comm._reply_subshell_id = None
    assert comm._reply_subshell_for({}, "the widgets' subshell") == "the widgets' subshell"


def test_a_comm_without_the_note_is_left_as_it_is():
    handle_on_subshell(SimpleNamespace(comm=None), SimpleNamespace(comm=object()))
