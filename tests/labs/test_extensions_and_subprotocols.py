"""The lab of the lesson on extensions and subprotocols, on real sockets."""

from __future__ import annotations

import pytest

from wslab.labs import lesson
from wslab.net.cases import EXTENSIONS, SUBPROTOCOLS
from wslab.net.payloads import TALKS
from wslab.wire.protocol import Agreement


def test_the_server_picks_its_favourite_and_agrees_to_compress(lab):
    with lab.connect(subprotocols=["chat", "superchat"], compression=Agreement()) as client:
        assert client.subprotocol == "superchat"
        response = lab.find("response", of=client)
    assert response.field("Sec-WebSocket-Extensions").value == "permessage-deflate"


def test_pythons_verdict_on_every_answer(lab):
    verdicts = [row[3] for row in lab.answers().rows]
    expected = [case.expected == 101 for case in (SUBPROTOCOLS | EXTENSIONS).values()]
    assert [verdict[0] for verdict in verdicts] == ["✓" if opens else "✗" for opens in expected]


def test_from_code_no_page_tries(lab):
    came = lab.negotiations().run("none in common")
    assert (came.offered, came.answered, came.python, came.browser) == ("chat", "", True, None)


def test_the_recording_masks_a_token_wherever_a_head_can_hold_one(lab):
    recorded = {row[0]: row[4] for row in lab.token().rows}
    assert recorded == {
        "the query of the URL": "does not",
        "a subprotocol": "does not",
        "a header, Authorization": "does not",
        "the first message": "👁 sees it",
    }


def test_each_parameter_changes_one_direction(lab):
    sizes = [[int(cell) for cell in row[1:]] for row in lab.parameters().rows]
    plain, server_alone, client_alone, server_small, client_small = sizes
    for first, again, echo, echo_again in (plain,):
        assert again < first / 10
        assert echo_again < echo / 10
    assert server_alone == [*plain[:2], plain[2], plain[2]]
    assert client_alone == [plain[0], plain[0], *plain[2:]]
    assert server_small[:2] == plain[:2]
    assert client_small[2:] == plain[2:]
    assert min(server_small[2:]) > plain[2] * 0.9
    assert min(client_small[:2]) > plain[0] * 0.9


def test_the_charts_have_every_window(lab):
    for what, series in (("bytes", "JSON"), ("time", "text"), ("memory", "to inflate")):
        points = lab.costs(what).points(series)
        assert [x for x, _ in points] == list(range(9, 16))
        assert all(y > 0 for _, y in points)


def test_the_pin_is_read_off_the_lengths_on_the_wire(lab):
    *steps, last = lab.attack().rows
    assert [len(known) for known, _ in steps] == [1, 2, 3, 4, 5, 6]
    assert steps[-1][0] == last[0]
    ((known, lengths), _) = lab.attack("not compressed").rows
    assert known == "?"
    assert len(set(lengths.split())) == 1


def test_one_bar_stands_out(lab):
    saved = sorted(y for _, y in lab.first_guess().points("answer"))
    assert saved[-1] > saved[-2]


def test_the_mystery_prints_what_was_agreed_on(lab, capsys):
    request, response = lab.mystery()
    out = capsys.readouterr().out
    assert (request.kind, response.kind) == ("request", "response")
    assert "server_max_window_bits=12; client_max_window_bits=10" in out


def test_a_protocol_on_top_talks_live_and_its_view_ends_with_the_talk(lab, capsys):
    view = lab.on_top("graphql_transport_ws")
    assert view._server_label == "live · graphql_transport_ws"
    assert capsys.readouterr().out.startswith("Live: a server on graphql-core, and gql's client (")
    said = [message.text for message in view.capture.index.messages()]
    assert '"type": "connection_init"' in said[0]


def test_without_the_libraries_a_recorded_talk_is_shown_and_said_to_be_one(
    lab, capsys, monkeypatch
):
    monkeypatch.setitem(TALKS["mqtt"].packages, "no_such_module", "no-such-package")
    view = lab.on_top("mqtt")
    assert view._server_label == "recorded · mqtt"
    said = capsys.readouterr().out
    assert said.startswith("RECORDED, not live: this Python lacks no-such-package.")
    assert "%pip install --no-deps amqtt" in said
    assert b"school/room 3" in next(m for m in view.capture.index.messages() if m.row == 6).content


def test_what_rides_on_top_is_chosen_by_name(lab):
    with pytest.raises(KeyError, match="expected one of mqtt, jupyter_kernel"):
        lab.on_top("smtp")


def test_a_learners_decoder_has_a_time_limit(lab, monkeypatch):
    monkeypatch.setattr(lesson, "DECODE_TIME", 0.1)

    def hangs(message):
        while True:
            pass

    decode = lesson.limited(hangs)
    with pytest.raises(TimeoutError, match="a loop without an end"):
        decode("Hello")
    assert lesson.limited(len)("Hello") == 5
