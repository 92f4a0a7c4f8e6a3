"""The data transfer lab, on real sockets."""

from __future__ import annotations

import threading

import pytest

from wslab.exercises.data_transfer import trace_bytes, trace_frames
from wslab.wire import encode_frame

KEY = b"key!"


def frame(opcode: int, payload: bytes, fin: bool = True) -> bytes:
    return encode_frame(opcode, payload, fin=fin, masking_key=KEY)


def counts(lab) -> tuple[int, int, int]:
    found = lab.layers().layers
    return len(found.messages), len(found.frames), len(found.reads)


def test_without_a_sending_there_are_no_layers(lab):
    with pytest.raises(LookupError, match="nothing was sent yet"):
        lab.layers()


def test_one_message_in_one_three_and_a_hundred_frames(lab):
    for count in (1, 3, 100):
        frames = [frame(0 if n else 1, b"x" * 10, n == count - 1) for n in range(count)]
        reaction = lab.send(b"".join(frames))
        assert len(reaction.said) == 1
        assert counts(lab) == (1, count, 1)


def test_three_messages_in_one_read_and_one_frame_in_four(lab):
    reaction = lab.send(frame(1, b"one") + frame(1, b"two") + frame(1, b"three"))
    assert len(reaction.said) == 3
    assert counts(lab) == (3, 3, 1)
    whole = frame(1, b"one frame, in many pieces")
    assert lab.send(whole[:1], whole[1:4], whole[4:9], whole[9:]).said
    assert counts(lab) == (1, 1, 4)
    html = lab.layers()._repr_html_()
    assert "1 frame<" in html
    assert "4 reads<" in html


def test_the_pong_comes_before_the_message_is_whole(lab):
    reaction = lab.send(trace_bytes())
    assert reaction.answer.startswith(encode_frame(10, b"?") + encode_frame(1, b"first and last"))
    assert counts(lab) == (2, 5, 1)


def test_sent_apart_the_pong_comes_after_the_ping_and_before_the_last_part(lab):
    came = [reaction.frames for reaction in lab.send_each(*trace_frames())]
    assert came == [[], [], ['pong "?"'], ['text "first and last"'], ["binary 00 01"]]
    assert counts(lab) == (2, 5, 5)


def test_a_character_may_be_cut_and_bad_text_earns_1007(lab):
    half, rest = "ü".encode()[:1], "ü".encode()[1:]
    assert lab.send(frame(1, half, fin=False) + frame(0, rest)).said == ("recv() returned 'ü'",)
    reaction = lab.send(frame(1, "café".encode("latin-1")))
    assert reaction.ended
    assert "sent 1007" in reaction.said[-1]
    assert [v.rule for v in lab.find("text", "client").violations] == ["text-not-utf8"]
    assert lab.send(frame(1, b"anew")).said == ("recv() returned 'anew'",)


def test_a_pong_that_nobody_asked_for_is_not_answered(lab):
    assert lab.send(frame(10, b"still here")) == (b"", (), False, 0, False)


def test_what_peers_are_called_is_escaped_in_the_picture(lab):
    lab.send(frame(1, b"<img src=x onerror=alert(1)>"))
    assert "<img" not in lab.layers()._repr_html_()


def test_round_trips_are_measured_with_real_pings(lab):
    trips = lab.round_trips()
    times = trips.measure(3)
    assert len(times) == 3
    assert all(time > 0 for time in times)
    assert len([row for row in lab.capture.index.rows() if row.kind == "pong"]) == 3
    content = {}
    trips.news(content, [])
    points = trips.points("round trip")
    assert [y for _, y in points] == [1000 * time for time in times]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert points[0][0] == 0
    assert content["count"] == 3
    assert content["summary"].startswith("3 round trips")


def test_pings_go_on_while_something_else_runs(lab):
    trips = lab.round_trips()
    enough = threading.Event()
    times = trips.during(lambda: (trips.changed(), enough.wait(0.3)))
    assert times
    assert times == trips.times
    with pytest.raises(ZeroDivisionError):
        trips.during(lambda: 1 / 0)


def test_a_chart_of_a_closed_lab_says_which_cells_to_run(lab):
    trips = lab.round_trips()
    trips.measure(1)
    for end in (lab.close, trips.close):  # a second lab would close it as well
        end()
        for again in (lambda: trips.measure(1), lambda: trips.during(lambda: None)):
            with pytest.raises(LookupError, match=r"run the cell that shows a chart, .* again"):
                again()
