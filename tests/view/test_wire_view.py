"""The wire view's side in the kernel: batches, gaps, details, files, faults."""

from __future__ import annotations

import gc
import threading
import weakref

import pytest

from wslab.view.live.batches import BROKEN, FROM_SERVER, NOT_FINAL
from wslab.view.wire import wire_view
from wslab.view.wire.wire_view import FIRST_BYTES, MOST_BYTES, WireView
from wslab.wire import KINDS, Opcode, encode_frame, load, load_pasted, save

HELLO = bytes.fromhex("81 05 48 65 6c 6c 6f")


def test_the_rows_of_a_conversation_reach_the_page_with_all_that_an_arrow_shows(wire, recording):
    recording.talk()
    wire.says(do="hello", count=0)
    wire.pump.turn(1.0)
    rows = wire.page().rows
    assert [list(KINDS)[row[4]] for row in rows] == ["request", "response", "text", "text"]
    assert [bool(row[5] & FROM_SERVER) for row in rows] == [False, True, False, True]
    assert [row[2] for row in rows] == [
        "GET /chat HTTP/1.1",
        "101 Switching Protocols",
        '"Hello"',
        '"Hello"',
    ]
    assert [row[1] for row in rows[2:]] == [11, 7]
    assert all(row[3] == 1 for row in rows)
    assert wire.all("states") == [{"1": "OPEN"}]


def test_a_row_says_that_more_follows_and_that_a_rule_is_broken(wire, recording):
    recording.frames(bytes.fromhex("01 03 48 65 6c"))  # FIN is 0
    recording.frames(bytes.fromhex("83 00"))  # opcode 3
    wire.says(do="hello", count=0)
    wire.pump.turn(1.0)
    first, second = wire.page().rows
    assert first[5] == FROM_SERVER | NOT_FINAL
    assert (list(KINDS)[second[4]], second[5]) == ("reserved", FROM_SERVER | BROKEN)


def test_nothing_is_sent_while_nobody_looks_and_all_of_it_when_somebody_does(wire, recording):
    recording.talk()
    wire.pump.turn(5.0)
    assert wire.sent == []
    wire.says(do="hello", count=0)
    wire.pump.turn(1.0)
    assert len(wire.page().rows) == 4


def test_a_view_that_is_shown_sends_before_its_page_can_say_hello(wire, recording):
    # A page's hello waits for the running cell where JupyterLab has no subshells.
    recording.talk()
    wire.view._repr_mimebundle_()
    wire.pump.turn(1.0)
    assert len(wire.page().rows) == 4


def test_after_the_last_page_said_bye_nothing_is_sent(wire, recording):
    wire.view._repr_mimebundle_()
    wire.says(do="hello", count=0)
    wire.says(do="hello", count=0, page="p2")
    wire.says(do="bye")
    wire.pump.turn(1.0)
    recording.talk()
    wire.pump.turn(1.0)
    assert len(wire.page().rows) == 4
    wire.says(do="bye", page="p2")
    wire.pump.turn(1.0)
    before = len(wire.sent)
    recording.talk()
    wire.pump.turn(5.0)
    assert len(wire.sent) == before


def test_100_000_rows_come_in_order_and_none_is_lost_at_20_messages_a_second(wire, recording):
    wire.says(do="hello", count=0)
    for _ in range(10):
        recording.frames(HELLO, 10_000)
        wire.pump.turn(1.0)
    wire.pump.turn(1.0)
    page = wire.page()
    assert (len(page.rows), page.gaps) == (100_000, 0)
    times = [when for when, _, _ in wire.sent]
    assert max(sum(t <= s < t + 1 for s in times) for t in times) <= 20
    assert max(sum(map(len, buffers)) for _, _, buffers in wire.sent) < 512 * 1024


def test_a_page_that_missed_a_batch_asks_again_from_its_count_and_has_all(wire, recording):
    wire.says(do="hello", count=0)
    recording.frames(HELLO, 10)
    wire.pump.turn(0.5)
    lost = wire.sent.pop()  # this one is dropped on the way
    assert "rows" in lost[1]
    recording.frames(HELLO, 5)
    wire.pump.turn(0.5)
    page = wire.page()
    assert (len(page.rows), page.gaps) == (0, 1)
    wire.says(do="again", count=len(page.rows))
    wire.pump.turn(0.5)
    assert len(wire.page().rows) == 15


def test_pages_are_told_what_is_no_longer_kept(wire, recording):
    wire.says(do="hello", count=0)
    recording.capture.limit = 1000
    recording.frames(HELLO, 140)
    wire.pump.turn(2.0)
    assert wire.all("loss") == []
    recording.frames(HELLO, 20)
    wire.pump.turn(2.0)
    (loss,) = wire.all("loss")
    assert loss.startswith("The oldest 18 frames (126 bytes) are no longer kept")
    wire.says(do="hello", count=0, page="p2")  # a page that has only just opened
    wire.pump.turn(2.0)
    assert wire.all("loss") == [loss, loss]


def test_the_last_batch_is_followed_by_the_count_in_case_it_was_lost(wire, recording):
    wire.says(do="hello", count=0)
    wire.pump.turn(1.0)
    recording.frames(HELLO, 3)
    wire.pump.turn(0.5)
    assert wire.all("count") == [0]
    wire.pump.turn(2.0)
    assert wire.all("count") == [0, 3]
    before = len(wire.sent)
    wire.pump.turn(60.0)
    assert len(wire.sent) == before  # and then there is silence


def test_a_second_page_gets_every_row_and_the_first_one_counts_none_twice(wire, recording):
    wire.says(do="hello", count=0)
    recording.talk()
    wire.pump.turn(0.5)
    since = len(wire.sent)
    wire.says(do="hello", count=0, page="p2")
    wire.pump.turn(0.5)
    assert len(wire.page().rows) == 4
    wire.sent = wire.sent[since:]
    assert len(wire.page().rows) == 4
    assert wire.all("states") == [{"1": "OPEN"}]


def test_the_state_follows_the_wire(wire, recording):
    wire.says(do="hello", count=0)
    connection = recording.talk()
    wire.pump.turn(0.5)
    recording.capture.record(connection, "server", bytes.fromhex("88 02 03 e8"))
    wire.pump.turn(0.5)
    recording.capture.record(connection, "client", bytes.fromhex("88 82 00 00 00 00 03 e8"))
    recording.capture.end(connection, "server")
    recording.capture.end(connection, "client")
    wire.pump.turn(0.5)
    assert [states["1"] for states in wire.all("states")] == ["OPEN", "CLOSING", "CLOSED"]


# -- details --------------------------------------------------------------------------------------


def detail(wire, **question):
    wire.says(do="detail", **question)
    wire.pump.turn(0.5)
    content, buffers = wire.sent[-1][1:]
    account = content["detail"]
    return account, buffers[account["buffer"]] if "buffer" in account else None


def test_the_account_of_a_unit_has_its_bytes_and_every_field_with_its_link(wire, recording):
    recording.talk()
    wire.says(do="hello", count=0)
    account, data = detail(wire, number=2)
    assert data == bytes.fromhex("81 85 37 fa 21 3d 7f 9f 4d 51 58")
    assert [field["name"] for field in account["fields"]] == [
        *("FIN", "RSV1", "RSV2", "RSV3", "opcode", "MASK", "payload length"),
        *("masking key", "payload"),
    ]
    mask = account["fields"][5]
    assert (mask["bit"], mask["bits"], mask["value"]) == (8, 1, "1")
    assert mask["url"].startswith("https://www.rfc-editor.org/rfc/rfc6455.html#section-5")
    assert account["key"] == [0x37, 0xFA, 0x21, 0x3D]
    assert (account["page"], account["direction"], account["offset"]) == ("p1", "client", 152)


def test_a_broken_rule_is_told_with_its_section_and_its_answer(wire, recording):
    connection = recording.talk()
    recording.capture.record(connection, "client", HELLO)
    wire.says(do="hello", count=0)
    account, _ = detail(wire, number=4)
    (violation,) = account["violations"]
    assert (violation["rule"], violation["close_code"]) == ("frame-not-masked", 1002)
    assert violation["url"].endswith("#section-5.1")


def test_of_a_large_unit_the_first_bytes_come_and_more_when_asked(wire, recording):
    size = 100_000
    recording.frames(bytes([0x82, 127]) + size.to_bytes(8, "big") + bytes(size))
    wire.says(do="hello", count=0)
    account, data = detail(wire, number=0)
    assert (account["length"], len(data)) == (size + 10, FIRST_BYTES)
    assert max(len(str(field["value"])) for field in account["fields"]) < 500
    assert len(detail(wire, number=0, bytes=8192)[1]) == 8192
    assert len(detail(wire, number=0, bytes=10**9)[1]) == MOST_BYTES


def test_a_head_with_very_many_headers_is_cut_and_says_so(wire, recording):
    connection = recording.capture.open_connection()
    head = b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 1000 + b"\r\n"
    recording.capture.record(connection, "client", head)
    wire.says(do="hello", count=0)
    account, _ = detail(wire, number=0)
    assert len(account["fields"]) + account["more_fields"] == 1002
    assert len(account["fields"]) <= 400


def test_asking_for_a_row_that_is_not_there_is_answered(wire):
    wire.says(do="hello", count=0)
    account, _ = detail(wire, number=7)
    assert "7" in account["missing"]


@pytest.mark.parametrize(
    "nonsense",
    [
        {"do": "detail"},
        {"do": "detail", "number": "1"},
        {"do": "hello", "count": "many"},
        {"do": "again", "count": -5},
        {"do": "again", "count": 10**12},
        {"do": 5},
        {},
        "hello",
        None,
    ],
)
def test_nonsense_from_a_page_does_no_harm(wire, recording, nonsense):
    wire.says(do="hello", count=0)
    recording.talk()
    wire.view._handle_custom_msg(nonsense, [])
    wire.pump.turn(1.0)
    assert wire.view.problem is None
    assert len(wire.page().rows) == 4


def test_only_the_last_wish_of_a_page_is_answered(wire, recording):
    recording.talk()
    wire.says(do="hello", count=0)
    for number in (0, 1, 2, 3):
        wire.says(do="detail", number=number)
    wire.pump.turn(1.0)
    assert [account["number"] for account in wire.all("detail")] == [3]


# -- saving ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["jsonl", "pcapng", "har"])
def test_the_saved_file_is_the_capture_in_pieces(wire, recording, tmp_path, monkeypatch, format):
    monkeypatch.setattr(wire_view, "CHUNK", 100)
    recording.talk()
    wire.says(do="hello", count=0)
    wire.says(do="save", format=format)
    wire.pump.turn(5.0)
    pieces = [(c["file"], b[c["file"]["buffer"]]) for _, c, b in wire.sent if "file" in c]
    assert len(pieces) > 3
    data = b"".join(piece for _, piece in pieces)
    assert [file["start"] for file, _ in pieces] == list(range(0, len(data), 100))
    assert {file["total"] for file, _ in pieces} == {len(data)}
    path = tmp_path / f"saved.{format}"
    save(recording.capture, path)
    assert data == path.read_bytes()
    assert {file["name"] for file, _ in pieces} == {f"capture.{format}"}
    path.write_bytes(data)
    assert len(list(load(path).index.messages())) > 0


# -- taking away ----------------------------------------------------------------------------------


def taken(wire, number, form):
    """What the page gets for a unit, in as many pieces as it takes: name, content, problem."""
    before = len(wire.all("file"))
    wire.says(do="take", number=number, **{"as": form})
    wire.pump.turn(5.0)
    pieces = [(c["file"], b[c["file"]["buffer"]]) for _, c, b in wire.sent if "file" in c][before:]
    return pieces[0][0]["name"], b"".join(piece for _, piece in pieces), pieces[0][0]["problem"]


def test_a_unit_is_copied_in_three_forms_and_its_message_saved(wire, recording, tmp_path):
    recording.talk()  # rows 0 to 3
    recording.frames(
        encode_frame(Opcode.TEXT, b'{"a": ', fin=False)
        + encode_frame(Opcode.PING, b"p")
        + encode_frame(Opcode.CONTINUATION, b"1}", fin=True)
        + encode_frame(Opcode.BINARY, bytes(range(256)))
        + encode_frame(Opcode.CLOSE, b"\x03\xe8bye")
    )
    wire.says(do="hello", count=0)
    units = [recording.capture.index.unit(row) for row in range(9)]
    for unit in units:
        name, text, problem = taken(wire, unit.number, "hex")
        assert (name, bytes.fromhex(text.decode()), problem) == ("", unit.data, "")
        assert load_pasted(text.decode()).index.unit(0).data == unit.data
        assert eval(taken(wire, unit.number, "python")[1].decode()) == unit.data
    assert taken(wire, 2, "text")[1] == b"Hello"  # unmasked
    assert taken(wire, 6, "text")[1] == b"1}"
    assert taken(wire, 8, "text")[1] == b"1000 bye"
    assert taken(wire, 0, "text")[1] == units[0].data
    for row in (4, 6):
        assert taken(wire, row, "file") == ("message-6.json", b'{"a": 1}', "")
    assert taken(wire, 3, "file")[:2] == ("message-3.txt", b"Hello")
    assert taken(wire, 7, "file")[:2] == ("message-7.bin", bytes(range(256)))
    assert taken(wire, 8, "file")[:2] == ("close-8.bin", units[8].data)
    path = recording.capture.index.message(4).save(tmp_path / "it.json")
    assert path.read_bytes() == b'{"a": 1}'


def test_a_login_is_copied_and_saved_as_the_stars_that_were_recorded(wire, recording):
    connection = recording.capture.open_connection()
    head = b"GET /?token=hunter2 HTTP/1.1\r\nHost: x\r\nCookie: id=hunter2\r\n\r\n"
    recording.capture.record(connection, "client", head)
    wire.says(do="hello", count=0)
    for form in ("hex", "python", "text", "file"):
        text = taken(wire, 0, form)[1]
        text = bytes.fromhex(text.decode()) if form == "hex" else text
        assert b"hunter2" not in text
        assert b"token=*******" in text
        assert b"Cookie: **********" in text


def test_what_is_large_is_saved_whole_and_not_copied(wire, recording):
    recording.talk()
    large = b"large " * 400_000
    recording.frames(encode_frame(Opcode.TEXT, large))
    wire.says(do="hello", count=0)
    for form in ("hex", "python", "text"):
        assert taken(wire, 4, form) == ("", b"", "more than 1 MiB: save it instead")
    assert taken(wire, 4, "file")[:2] == ("message-4.txt", large)
    assert "no row 99" in taken(wire, 99, "hex")[2] or "got 99" in taken(wire, 99, "hex")[2]


# -- faults ---------------------------------------------------------------------------------------


def test_a_fault_in_the_view_is_shown_in_the_view_and_does_not_touch_the_recording(
    wire, recording, monkeypatch
):
    wire.says(do="hello", count=0)
    wire.pump.turn(0.5)
    with monkeypatch.context() as broken:
        broken.setattr(wire_view, "pack", lambda rows: 1 / 0)
        recording.talk()
        wire.pump.turn(0.5)
    assert wire.view.problem == "ZeroDivisionError: division by zero"
    assert wire.all("failed")[-1] == wire.view.problem
    assert recording.capture.faults == []
    assert len(recording.capture) == 4
    recording.talk()
    wire.pump.turn(0.5)
    assert len(wire.page().rows) == 8  # it goes on when it can
    wire.says(do="hello", count=0, page="p2")
    wire.pump.turn(0.5)
    assert len(wire.all("failed")) == 2  # and a page that opens later is told, too


def test_a_broken_way_to_the_page_does_not_kill_the_pump(wire, recording):
    wire.says(do="hello", count=0)
    way = wire.view.send
    wire.view.send = lambda content, buffers: 1 / 0
    recording.talk()
    wire.pump.turn(0.5)
    assert wire.view.problem == "ZeroDivisionError: division by zero"
    wire.view.send = way
    wire.says(do="again", count=0)
    wire.pump.turn(0.5)
    assert len(wire.page().rows) == 4


def test_a_view_may_be_closed_twice_and_then_hears_nothing(wire, recording):
    wire.view.close()
    wire.view.close()
    recording.talk()
    wire.pump.turn(1.0)
    assert wire.sent == []
    assert recording.capture._subscribers == []


def test_a_view_at_rest_needs_no_pump_and_answers_still(wire, recording):
    wire.says(do="hello", count=0)
    recording.talk()
    wire.view.rest()
    assert len(wire.page().rows) == 4
    assert wire.pump.step() is None
    recording.talk()  # it does not hear of this
    assert len(wire.page().rows) == 4
    wire.says(do="detail", number=2)
    wire.says(do="save")
    assert wire.all("detail")[0]["number"] == 2
    assert wire.all("file")
    wire.says(do="hello", count=0, page="p2")
    assert len(wire.page().rows) == 8
    wire.view.rest()
    assert wire.view.problem is None


def test_a_fault_of_a_view_at_rest_is_shown_too(wire, recording, monkeypatch):
    wire.says(do="hello", count=0)
    wire.view.rest()
    recording.talk()
    monkeypatch.setattr(wire_view, "pack", lambda rows: 1 / 0)
    wire.says(do="again", count=0)
    assert wire.all("failed") == ["ZeroDivisionError: division by zero"]


def test_the_bundle_carries_the_live_view_and_two_static_ones(recording, pump):
    recording.talk()
    view = WireView(recording.capture, served_by=pump, server_label="server · <b>")
    data, _ = view._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "101 Switching Protocols" in data["text/plain"]
    assert "server · &lt;b&gt;" in data["text/html"]
    view.close()


def test_a_view_that_is_garbage_takes_no_lock_on_whatever_thread_it_is_collected(recording, pump):
    """Python collects in the middle of anything: while the lock's holder starts a thread, say."""
    view = WireView(recording.capture, served_by=pump)
    gone = weakref.ref(view)
    view.itself = view  # only the collector can take it away
    view.close()
    del view
    collecting = threading.Thread(target=gc.collect, daemon=True)
    with pump._news:
        collecting.start()
        collecting.join(10)
        assert not collecting.is_alive()
    assert gone() is None


def test_a_page_that_asks_for_a_picture_gets_the_static_account_as_it_is_now(wire, pump, recording):
    recording.talk()
    wire.says(do="hello", count=0)
    pump.turn(2.0)
    before = len(wire.sent)
    wire.says(do="picture")
    pump.turn(2.0)
    ((_, content, _),) = wire.sent[before:]
    assert list(content) == ["picture"]  # no news beside it, or the page would ask again for ever
    picture = content["picture"]
    assert (picture["page"], picture["model"]) == ("p1", wire.view.model_id)
    assert picture["data"]["text/html"].count("data-wslab-row=") == 4
    assert "Hello" in picture["data"]["text/plain"]


def test_a_row_is_found_by_what_it_is_or_a_sentence_says_that_there_is_none_yet(wire, recording):
    wire.says(do="find", what="text=Hello&from=client", page="p1")
    wire.says(do="hello", count=0)
    wire.pump.turn(1.0)
    recording.talk()
    for what in ("text=Hello&from=client", "status=101", "colour=red"):
        wire.says(do="find", what=what, page="p1")
        wire.pump.turn(1.0)
    early, text, response, unclear = wire.all("found")
    assert early == {
        "page": "p1",
        "what": "text=Hello&from=client",
        "row": None,
        "problem": "No such arrow yet: run the cells above first.",
    }
    assert (text["row"], response["row"]) == (2, 1)
    assert "problem" not in text
    assert "got 'colour'" in unclear["problem"]


def test_a_long_search_lets_others_have_their_turn_and_goes_on(wire, recording, monkeypatch):
    monkeypatch.setattr(wire_view, "SEARCH", 0.0)
    recording.talk()
    recording.frames(HELLO, 10_000)
    wire.says(do="hello", count=0)
    wire.says(do="find", what="status=101", page="p1")
    wire.pump.turn(0.1)
    assert wire.all("found") == []
    wire.pump.turn(5.0)
    (found,) = wire.all("found")
    assert found["row"] == 1


# --- What is inside a message


def frame(text: bytes) -> bytes:
    return encode_frame(Opcode.BINARY if text[:1] != b"{" else Opcode.TEXT, text)


def inside(wire, **question):
    wire.says(do="inside", **{"as": None, **question})
    wire.pump.turn(1.0)
    return wire.all("inside")[-1]


def test_the_inside_of_a_message_is_told_as_the_reader_chose_byte_by_byte(wire, recording):
    recording.frames(frame(bytes.fromhex("30 05 00 01 61 68 69")))
    wire.says(do="hello", count=0)
    told = inside(wire, number=0, **{"as": "mqtt"})
    assert (told["says"], told["open"], told["length"]) == ("MQTT PUBLISH", True, 7)
    assert [field["name"] for field in told["fields"]][:2] == ["packet type", "DUP"]
    assert sum(field["bits"] for field in told["fields"]) == 7 * 8
    assert told["fields"][-1]["url"].startswith("https://docs.oasis-open.org/mqtt/")


def test_json_is_read_unasked_but_stays_folded(wire, recording):
    recording.frames(frame(b'{"a": 1}') + frame(b"\x01"))
    wire.says(do="hello", count=0)
    told = inside(wire, number=0)
    assert (told["as"], told["says"], told["open"]) == ("json", "JSON object", False)
    nothing = inside(wire, number=1)
    assert (nothing["as"], nothing["kind"], nothing["fields"]) == (None, "binary", [])


def test_fragments_are_joined_and_any_of_them_may_be_asked_about(wire, recording):
    recording.frames(bytes.fromhex("01 03 7b 22 61 80 04 22 3a 31 7d"))
    wire.says(do="hello", count=0)
    for number in (0, 1):
        told = inside(wire, number=number)
        assert (told["says"], told["frames"], told["row"]) == ("JSON object", 2, 1)


@pytest.mark.parametrize(
    ("decode", "problem", "names"),
    [
        (lambda message: [("first", 1, message[0], "a digit"), ("rest", 1)], "", ["first", "rest"]),
        (lambda message: [("first", 1)], "", ["first", "left over"]),
        (lambda message: [("first", 3)], "ValueError: field 0, 'first', ends at byte 3", []),
        (lambda message: message[9], "IndexError: index out of range", []),
        (lambda message: 7, "TypeError: expected a text, or a list of fields", []),
        (lambda message: [("first",)], "TypeError: field 0: expected (name, size in bytes)", []),
        (lambda message: exit(), "SystemExit", []),
    ],
)
def test_a_readers_own_decoder_is_asked_and_its_faults_are_told(recording, decode, problem, names):
    capture = recording.capture
    recording.frames(frame(b"12"))
    view = WireView(capture, decode=decode)
    decoded = threading.Event()
    view.tell = lambda *_: decoded.set()
    view.ask({"do": "inside", "number": 0, "page": "p", "as": None})
    assert decoded.wait(10)
    content, buffers = {}, []
    view.news(content, buffers)
    told = content["inside"]
    assert told["as"] == "yours"
    assert told["problem"].startswith(problem) if problem else told["problem"] == ""
    assert [field["name"] for field in told["fields"]] == names
    view.close()


def test_a_long_conversation_before_a_message_is_read_in_slices(recording, monkeypatch):
    monkeypatch.setattr(wire_view, "SEARCH", 0.0)
    ping = bytes.fromhex("c0 00")
    recording.frames(frame(ping[:1]) + 500 * frame(ping[1:] + ping[:1]))
    view = WireView(recording.capture)
    view.ask({"do": "inside", "number": 450, "page": "p", "as": "mqtt"})
    turns = 0
    content: dict = {}
    while "inside" not in content:
        content = {}
        view.news(content, [])
        turns += 1
    assert turns > 3
    assert content["inside"]["fields"][0]["name"] == "more of PINGREQ"
    view.close()
