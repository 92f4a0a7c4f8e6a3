"""Which connection a page's socket is: by the times of both, where no other can be meant."""

import pytest

from wslab.wire import Capture
from wslab.wire.recording import PageSocket, name_page_sockets

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: a\r\nOrigin: null\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
RESPONSE = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)
REFUSED = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"


def recording(*times: tuple[float, float], response: bytes = RESPONSE) -> Capture:
    """One connection for each pair of times: when it asked, and when it was answered."""
    capture = Capture()
    for asked, answered in times:
        number = capture.open_connection(at=asked)
        capture.record(number, "client", REQUEST, at=asked)
        capture.record(number, "server", response, at=answered)
    return capture


def test_a_socket_is_the_connection_that_was_asked_for_and_agreed_to_while_it_was_opening():
    capture = recording((1.0, 1.1), (2.0, 2.1), (3.0, 3.1))
    assert name_page_sockets(capture, [PageSocket("cell 4, page", 1.9, 2.2)]) == []
    assert capture.labels() == {1: "#1", 2: "#2 cell 4, page", 3: "#3"}


def test_what_could_be_two_gets_no_name_until_one_of_them_has_another():
    capture = recording((1.0, 1.1), (2.0, 2.1))
    first, second = PageSocket("cell 4, page", 0.9, 1.2), PageSocket("cell 5, page", 0.9, 2.2)
    assert name_page_sockets(capture, [second]) == [second]
    assert capture.names == {}
    assert name_page_sockets(capture, [second, first]) == []
    assert capture.labels() == {1: "#1 cell 4, page", 2: "#2 cell 5, page"}


def test_two_that_nothing_tells_apart_keep_their_numbers():
    capture = recording((1.0, 1.1), (1.0, 1.1))
    both = [PageSocket("cell 4, page", 0.9, 1.2), PageSocket("cell 5, page", 0.9, 1.2)]
    assert name_page_sockets(capture, both) == both
    assert capture.names == {}


def test_two_in_a_busy_page_are_told_apart_by_their_order():
    capture = recording((1.2, 1.22), (1.1, 1.12))
    first, second = PageSocket("cell 4, page", 0.9, 1.3), PageSocket("cell 5, page", 1.0, 1.3)
    assert name_page_sockets(capture, [second, first]) == []
    assert capture.labels() == {1: "#1 cell 5, page", 2: "#2 cell 4, page"}


def test_of_two_made_in_one_millisecond_the_first_is_open_before_the_second_asks():
    capture = recording((1.001, 1.002), (1.013, 1.014))
    both = [PageSocket("cell 5, page", 1.0, 1.015), PageSocket("cell 4, page", 1.0, 1.003)]
    assert name_page_sockets(capture, both) == []
    assert capture.labels() == {1: "#1 cell 4, page", 2: "#2 cell 5, page"}


def test_clocks_that_differ_make_no_wrong_names():
    for late in (-0.04, -0.01, 0.01, 0.04):
        capture = recording((1.001, 1.002), (1.013, 1.014))
        both = [
            PageSocket("cell 5, page", 1.0 + late, 1.015 + late),
            PageSocket("cell 4, page", 1.0 + late, 1.003 + late),
        ]
        assert name_page_sockets(capture, both) == []
        assert capture.labels() == {1: "#1 cell 4, page", 2: "#2 cell 5, page"}


def test_more_than_can_be_compared_are_left_alone():
    times = [1 + 0.004 * number for number in range(7)]
    capture = recording(*((time, time + 0.001) for time in times))
    many = [PageSocket(f"cell {n}, page", 1.0, time + 0.002) for n, time in enumerate(times)]
    assert name_page_sockets(capture, many) == many
    assert capture.names == {}


def test_what_was_made_first_and_opened_last_could_be_either():
    capture = recording((1.1, 1.12), (1.2, 1.22))
    both = [PageSocket("cell 4, page", 0.9, 1.4), PageSocket("cell 5, page", 1.0, 1.3)]
    assert name_page_sockets(capture, both) == both
    assert capture.names == {}


def test_of_two_of_one_name_it_does_not_matter_which_is_which():
    capture = recording((1.0, 1.1), (1.0, 1.1), (2.0, 2.1))
    two = PageSocket("cell 4, page", 0.9, 1.2)
    assert name_page_sockets(capture, [two]) == [two]
    assert name_page_sockets(capture, [two, two]) == []
    assert capture.labels() == {1: "#1 cell 4, page", 2: "#2 cell 4, page", 3: "#3"}


def test_only_a_sandbox_has_no_origin():
    capture = recording((1.0, 1.1))
    panel = PageSocket("browser panel", 0.9, 1.2, sandboxed=False)
    assert name_page_sockets(capture, [panel]) == [panel]
    number = capture.open_connection(at=1.0)
    sent = REQUEST.replace(b"null", b"http://127.0.0.1:8888")
    capture.record(number, "client", sent, at=1.0)
    capture.record(number, "server", RESPONSE, at=1.1)
    assert name_page_sockets(capture, [panel, PageSocket("cell 4, page", 0.9, 1.2)]) == []
    assert capture.labels() == {1: "#1 cell 4, page", 2: "#2 browser panel"}


def test_a_name_that_was_given_stays():
    capture = recording((1.0, 1.1))
    capture.set_name(1, "Ada")
    socket = PageSocket("cell 4, page", 0.9, 1.2)
    assert name_page_sockets(capture, [socket]) == [socket]
    assert capture.label(1) == "#1 Ada"


def test_one_that_was_refused_was_never_open():
    capture = recording((1.0, 1.1), response=REFUSED)
    name_page_sockets(capture, [PageSocket("cell 4, page", 0.9, 1.2)])
    assert capture.names == {}


@pytest.mark.parametrize(
    ("made", "opened", "named"), [(1.004, 1.097, 1), (1.06, 1.2, 0), (0.9, 1.04, 0)]
)
def test_a_clock_in_milliseconds_is_exact_enough(made, opened, named):
    capture = recording((1.0, 1.1))
    name_page_sockets(capture, [PageSocket("cell 4, page", made, opened)])
    assert len(capture.names) == named
