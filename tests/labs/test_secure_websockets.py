"""Parts 1 to 3 of the lesson on secure WebSockets, on real sockets and with a real tshark."""

from __future__ import annotations

import shutil
import sys

import pytest

from wslab.exercises.secure_websockets import HELLO
from wslab.net.trials import WORDS, answer, words_that_fit
from wslab.wire import Capture, load, save


def texts(table):
    return [[cell if isinstance(cell, str) else cell.text for cell in row] for row in table.rows]


def test_over_wss_an_eavesdropper_reads_the_server_name_alone(lab):
    *facts, sizes = texts(lab.twice())
    assert [row[1] for row in facts] == ["read"] * 5
    assert [row[0] for row in facts if row[2] == "read"] == ["the server's name: localhost"]
    plain, secure = (int(size.replace(",", "")) for size in sizes[1:])
    assert secure > plain + 1500
    kinds = {row.kind for row in lab.capture.index.rows() if row.connection == 2}
    assert kinds == {"tls"}


def test_answers_are_guessed_by_their_length_and_not_once_all_are_the_same(lab):
    table = texts(lab.guess("yes", "no, thank you", "perhaps tomorrow", "yes"))
    assert all(sent == guessed for sent, _, guessed in table)
    assert table[0][1] == "31 bytes"  # as in the exercise
    filled = texts(lab.guess("yes", "no, thank you", size=20))
    assert len({(length, guessed) for _, length, guessed in filled}) == 1
    assert filled[0][2] == "yes or no, thank you or perhaps tomorrow"
    assert texts(lab.guess("yeah"))[0][2] == "something else"


def test_a_typed_word_is_guessed_while_it_is_typed(lab):
    chart = lab.lengths()
    first, *table = texts(lab.type("colitis", pause=0))
    assert first[2] == "42"
    assert [row[0] for row in table[:3]] == ["c", "co", "col"]
    assert [row[2] for row in table] == ["5", "3", "2", "1", "1", "1", "1"]
    assert table[-1][3] == "colitis"
    assert [length for _, length in chart.points("the page")] == list(range(29, 36))
    _, *filled = texts(lab.type("colitis", size=100, pause=0))
    assert {row[1] for row in filled} == {"124 bytes"}
    assert len({length for _, length in chart.points("the server")}) == 1
    assert int(filled[-1][2]) > 15
    with pytest.raises(ValueError, match=r"expected one of acne.*got 'rabies'"):
        lab.type("rabies")


@pytest.mark.parametrize("size", [0, 100])
def test_whoever_sees_the_lengths_never_misses_the_word(size):
    for word in WORDS:
        lengths = [len(answer(word[:end], size)) for end in range(1, len(word) + 1)]
        assert word in words_that_fit(lengths, size)
        assert len(words_that_fit(lengths, size)) <= (3 if not size else len(WORDS))


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_tshark_reads_the_conversation_with_the_keys_alone(lab):
    lab.twice()
    sealed, *opened = texts(lab.with_keys())
    assert sealed == ["sealed.pcapng", "nobody", "no frames", "", ""]
    assert [row[1:4] for row in opened] == [
        ["client", "text", "1"], ["server", "text", "0"],
        ["client", "close", "1"], ["server", "close", "0"],
    ]  # fmt: skip
    assert [row[4] for row in opened] == 2 * ["Meet me at eight"] + 2 * ["good night"]
    folder = lab.authority.folder
    assert "TLS keys of 2 connections" in load(folder / "opened.pcapng").notes[0]
    lab.close()
    assert not folder.exists()


def test_the_key_log_says_whose_secrets_it_has(lab):
    assert lab.keys().rows == []
    lab.guess("yes")
    assert {row[0] for row in texts(lab.keys())} == {"#1 answers"}
    assert "CLIENT_TRAFFIC_SECRET_0" in [row[1] for row in texts(lab.keys())]


def test_without_tshark_or_trustme_the_recorded_tables_are_shown(lab, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setattr("wslab.net.programs.Tshark._folders", classmethod(lambda cls: []))
    note = lab.with_keys().note
    assert note.startswith("RECORDED, not live")
    assert "apt-get install tshark" in note
    monkeypatch.setitem(sys.modules, "trustme", None)
    lab._authority = None
    assert "trustme is not installed" in lab.secure_client().note
    for shown in (lab.twice(), lab.type("colitis"), lab.keys()):
        assert "pip install 'wslab[production]'" in shown.note
        assert shown.rows


@pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
def test_tshark_reads_the_hello_of_the_exercise_as_we_do(tmp_path):
    from wslab.net.programs import Tshark

    capture = Capture()
    capture.open_connection()
    capture.record(1, "client", HELLO)
    path = save(capture, tmp_path / "hello.pcapng")
    names = ("tls.record.length", "tls.handshake.extensions_server_name",
             "tls.handshake.extensions.supported_version")  # fmt: skip
    (found,) = Tshark.read(path, "tls", *names)
    assert found == [str(len(HELLO) - 5), "garden.example", "0x0304,0x0303"]
