"""Names of connections: given ones, those from a request, and what of them a file keeps."""

import pytest

from wslab.wire import Capture, load, save

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 "
    "Safari/537.36"
)


def request(agent: str | None = None) -> bytes:
    line = "" if agent is None else f"User-Agent: {agent}\r\n"
    return (
        f"GET /chat HTTP/1.1\r\nHost: a\r\n{line}Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def opened(*requests: bytes) -> Capture:
    capture = Capture()
    for sent in requests:
        capture.record(capture.open_connection(), "client", sent)
    return capture


def test_a_connection_is_shown_by_its_number_and_the_name_that_it_was_given():
    capture = opened(request(), request())
    capture.set_name(2, "Ada")
    assert capture.labels() == {1: "#1", 2: "#2 Ada"}
    capture.set_name(2, "")
    assert capture.label(2) == "#2"


@pytest.mark.parametrize(
    ("agent", "label"),
    [
        (CHROME, "#1 Chrome"),
        (f"{CHROME} Edg/143.0.0.0", "#1 Edge"),
        ("Mozilla/5.0 (X11; rv:140.0) Gecko/20100101 Firefox/140.0", "#1 Firefox"),
        ("Mozilla/5.0 (something new)", "#1 browser"),
        ("Python/3.13 websockets/15.0.1", "#1 Python"),
        ("curl/8.14.1", "#1 curl"),
        ("", "#1"),
        ("\x1b[2J", "#1"),
        ("<img src=x>", "#1"),
        (None, "#1"),
    ],
)
def test_without_a_name_the_request_says_which_program_it_is(agent, label):
    assert opened(request(agent)).label(1) == label


def test_the_program_is_known_as_soon_as_its_whole_head_is():
    whole = request(CHROME)
    capture = opened(whole[:-1])
    assert capture.label(1) == "#1"
    capture.record(1, "client", whole[-1:])
    assert capture.label(1) == "#1 Chrome"


def test_frames_that_look_like_a_field_name_no_program():
    capture = Capture()
    capture.open_connection(upgraded=True)
    capture.record(1, "client", b"\x81\x1a\r\nUser-Agent: curl/8\r\n\r\n")
    assert capture.label(1) == "#1"


def test_a_name_is_one_short_visible_line_without_logins():
    capture = opened(*[request()] * 3)
    capture.set_name(1, " Ada\n\x1b[31m\u202eecalevoL ")
    capture.set_name(2, "page of ws://a/?token=s3cret")
    capture.set_name(3, "x" * 1000)
    assert capture.names[1] == r"Ada \x1b[31m\u202eecalevoL"
    assert capture.names[2] == "page of ws://a/?token=******"
    assert capture.names[3] == "x" * 39 + "…"


def test_only_a_connection_that_was_opened_can_be_named():
    with pytest.raises(ValueError, match="expected a connection from 1 to 1"):
        opened(request()).set_name(2, "Ada")


def test_subscribers_hear_of_a_name():
    heard, capture = [], opened(request())
    capture.subscribe(lambda: heard.append(capture.label(1)))
    capture.set_name(1, "Ada")
    assert heard == ["#1 Ada"]


@pytest.mark.parametrize("suffix", [".jsonl", ".pcapng", ".har"])
def test_a_file_keeps_the_names(suffix, tmp_path):
    capture = opened(request(CHROME), request(CHROME), request())
    capture.set_name(2, 'Ada "the first" \\ Grüße')
    path = tmp_path / f"named{suffix}"
    save(capture, path)
    again = load(path)
    assert again.names == capture.names
    assert again.labels() == {1: "#1 Chrome", 2: '#2 Ada "the first" \\ Grüße', 3: "#3"}


def test_a_name_in_a_file_is_checked_as_any_other(tmp_path):
    path = tmp_path / "hostile.jsonl"
    path.write_text(
        '{"wslab": "capture", "version": 1, "started": "2026-01-31T12:00:00+00:00"}\n'
        '{"time": 0, "connection": 1, "event": "open", "name": "\\u001b[2J?token=s3cret"}\n'
        '{"time": 0, "connection": 2, "event": "open"}\n'
    )
    assert load(path).labels() == {1: r"#1 \x1b[2J?token=******", 2: "#2"}


def test_a_number_that_no_connection_has_yet_has_no_name():
    capture = Capture()
    assert [capture.label(number) for number in (-1, 0, 1)] == ["#-1", "#0", "#1"]
    capture.open_connection()
    assert capture.label(1) == "#1"
