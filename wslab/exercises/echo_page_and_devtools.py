"""The exercises of the lesson on the echo page: what a page shows, and what a browser can do."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from urllib.parse import quote, urlsplit

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, not_yet
from wslab.wire import encode_frame

QUESTIONS = {
    "unseen": Question(
        "The server sends a ping, and then one message in three frames. How many lines does the "
        "page get?",
        ("None", "One", "Three", "Four"),
        1,
        (
            "The ping is not for the page. But a message is a message, in however many frames it "
            "comes.",
            "One message, one event. The ping is the browser's own affair: it answers with a pong, "
            "and tells the page nothing.",
            "Frames are how a message travels. The browser puts them together, and the page gets "
            "the message.",
            "The browser answers the ping itself, and puts the three frames together.",
        ),
        "RFC 6455 §5.4",
    ),
    "shown": Question(
        "The message is: 2 &lt; 3 <b>and</b> 4. A page puts it in with innerHTML. What does a "
        "reader see?",
        (
            "2 &lt; 3 <b>and</b> 4",
            "2 < 3 and 4, with a bold and",
            "2 &lt; 3 and 4, with a bold and",
            "2 < 3 <b>and</b> 4",
        ),
        1,
        (
            "That is the message as it came, which textContent would show.",
            "innerHTML reads the text as HTML: <b> is a tag, and &lt; is how HTML writes a <.",
            "Not only tags are read: &lt; is how HTML writes a <.",
            "Not only &lt; is read: <b> is a tag, and makes the word behind it bold.",
        ),
        "WHATWG: innerHTML",
    ),
    "status": Question(
        "A page shows 'Disconnected: ' and the reason from the close event, with innerHTML. Can "
        "the server run a script in it that way?",
        (
            "No: the reason is a number",
            "No: a closed connection can do nothing",
            "No: scripts put in with innerHTML never run",
            "Yes",
        ),
        3,
        (
            "The code is a number. The reason is text, up to 123 bytes of it.",
            "The connection cannot. But the page lives on, and has just read the reason as HTML.",
            "A <script> element that is put in so does not run. But HTML has many other ways: a "
            "picture that cannot be loaded runs its onerror.",
            "The reason is the server's own text, like a message. 123 bytes are enough for a "
            "picture with an onerror.",
        ),
        "RFC 6455 §7.1.6",
    ),
    "length": Question(
        "A page sends a text of 400 letters. Compressed, it crosses in a frame of 14 bytes. Which "
        "length does Chrome's Network pane show?",
        ("8: the compressed payload", "14: the frame", "400", "408: the frame, uncompressed"),
        2,
        (
            "The browser compresses below the API, and tells its DevTools the message as the page "
            "sent it.",
            "DevTools are told of messages, not of frames: nothing in the pane says how many bytes "
            "crossed.",
            "Length is that of the message, in characters. How many bytes crossed the pane does "
            "not say.",
            "No frame of 408 bytes ever crossed, and DevTools are not told of frames anyway.",
        ),
        "RFC 7692 §7.2.1",
    ),
    "detect": Question(
        "A page wants to use WebTransport where there is one. How does it find out?",
        (
            "From navigator.userAgent: it names browser and version",
            "From a table of versions, such as MDN's",
            'It asks: "WebTransport" in self',
            "It tries, and catches the error",
        ),
        2,
        (
            "Browsers pretend to be each other there, and a version says nothing about flags, "
            "settings, or a page without https.",
            "A table tells what to expect of the world's browsers. Of this one it can only guess.",
            "What is there has its name in the global object, and asking costs nothing.",
            "That works too, but any error then looks like a missing feature: a wrong address, a "
            "server that is down.",
        ),
        "WHATWG: interfaces",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Trace: what a Network pane hides

_KEY = bytes.fromhex("37 fa 21 3d")
_CROSSED = (
    ("client", encode_frame(1, b"Hi", masking_key=_KEY)),
    ("server", encode_frame(9, b"?")),
    ("client", encode_frame(10, b"?", masking_key=_KEY)),
    ("server", encode_frame(1, b"Hel", fin=False)),
    ("server", encode_frame(0, b"lo")),
    ("client", encode_frame(8, b"", masking_key=_KEY)),
    ("server", encode_frame(8, b"")),
)


def pane_bytes() -> str:
    """The frames of the exercise, one a line: who sent it, and its bytes in hex."""
    return "\n".join(f"{who}  {frame.hex(' ')}" for who, frame in _CROSSED)


_MASKED = bytes(byte ^ _KEY[i % 4] for i, byte in enumerate(b"Hi")).decode("latin-1")
_ONE = "a row is a message: all the frames from FIN = 0 to FIN = 1, joined."

check_pane = Exercise(
    "pane",
    "Whether `rows` are the messages that Chrome's Network pane lists.",
    expected=lambda: ["Hi", "Hello"],
    mistakes={
        "Ping and pong are in there. The pane lists messages, and they are none.": Mistake(
            lambda: ["Hi", "?", "?", "Hello"], "look at the opcode: 9 and a are ping and pong."
        ),
        "The ping is in there. The pane lists messages, and a ping is none.": Mistake(
            lambda: ["Hi", "?", "Hello"], "look at the opcode: 9 is a ping."
        ),
        "The two frames of one message are two rows here.": Mistake(
            lambda: ["Hi", "Hel", "lo"], _ONE
        ),
        "A frame with FIN = 0 is only a beginning: its message goes on.": Mistake(
            lambda: ["Hi", "Hel"], _ONE
        ),
        "Those are the bytes as they crossed: the client's are masked.": Mistake(
            lambda: [_MASKED, "Hello"], "each byte ^ the key's byte: 0x7f ^ 0x37 is the first."
        ),
        "The goodbyes are in there. A close frame is no message.": Mistake(
            lambda: ["Hi", "Hello", "", ""], "look at the opcode: 8 is a close."
        ),
        "These are the right messages in another order.": Mistake(
            lambda: ["Hello", "Hi"], "the pane lists them as they crossed."
        ),
        "What the client sent is missing: the pane shows both directions.": Mistake(
            lambda: ["Hello"], "unmask the first frame: its key is 37 fa 21 3d."
        ),
    },
    hints=(
        "the second half of the first byte is the opcode: 1 text, 0 continuation, 8 to a control.",
        "seven frames: one message, a ping, a pong, a message in two frames, two goodbyes.",
    ),
    rfc="RFC 6455 §5.2",
    wrong="the pane does not list {what}.",
    praise="seven frames crossed, and {expected} is all that the pane tells.",
    untouched="no rows yet: write the texts in a list, in place of the dots.",
    read=lambda rows: (
        [str(row).strip() for row in rows] if isinstance(rows, list | tuple) else rows
    ),
    solution="""\
check_pane(["Hi", "Hello"])
""",
)

# --- Build: read what a HAR holds

HarMessage = dict[str, str | int | float]
Said = list[tuple[str, str | bytes]]

_TEXT: HarMessage = {"type": "send", "time": 1.0, "opcode": 1, "data": "Hello"}
_BINARY: HarMessage = {"type": "receive", "time": 1.2, "opcode": 2, "data": "AAH/"}
_ERROR: HarMessage = {
    "type": "error",
    "time": 1.5,
    "opcode": -1,
    "data": "Data frame received after close",
}


def _said(
    messages: list[HarMessage],
    *,
    sends: str = "client",
    receives: str = "server",
    binary: Callable[[str], str | bytes] = base64.b64decode,
) -> Said:
    found: Said = []
    for message in messages:
        data, sender = str(message["data"]), sends if message["type"] == "send" else receives
        if message["type"] != "error":
            found.append((sender, binary(data) if message["opcode"] == 2 else data))
    return found


def _all_decoded(messages: list[HarMessage]) -> Said:
    def decoded(data: str) -> str | bytes:
        try:
            return base64.b64decode(data, validate=True)
        except ValueError:
            return data

    said = _said(messages)
    return [(who, decoded(data) if isinstance(data, str) else data) for who, data in said]


def _with_errors(messages: list[HarMessage]) -> Said:
    received: HarMessage = {"type": "receive"}
    return _said([one | received if one["type"] == "error" else one for one in messages])


check_said = Exercise(
    "said",
    "Whether `said(messages)` gives each message of a HAR, and who sent it.",
    cases=[
        ([_TEXT],),
        ([_BINARY],),
        ([_TEXT, {**_TEXT, "type": "receive", "time": 1.1}, _BINARY],),
        ([{**_TEXT, "data": "AAH/"}],),
        ([{**_TEXT, "data": ""}, {**_BINARY, "data": ""}],),
        ([_TEXT, _ERROR],),
        ([],),
    ],
    expected=_said,
    mistakes={
        "In a HAR, which is JSON, bytes are written in base64. Those are its letters.": Mistake(
            lambda messages: _said(messages, binary=str), "base64.b64decode(data) gives the bytes."
        ),
        "Those are the bytes of the letters of base64, not those of the message.": Mistake(
            lambda messages: _said(messages, binary=str.encode),
            "base64.b64decode(data) gives the bytes.",
        ),
        "Text may look like base64 and is text all the same: the opcode says what it is.": Mistake(
            _all_decoded, "decode where the opcode is 2."
        ),
        "The browser wrote the HAR: what it sent, the client sent.": Mistake(
            lambda messages: _said(messages, sends="server", receives="client"),
            "send is the client's, receive is the server's.",
        ),
        "Nobody sent the error: it is the browser's own word about the connection.": Mistake(
            _with_errors, "leave out what has the type error."
        ),
        "Those are the messages. Who sent each is missing.": Mistake(
            lambda messages: [data for _, data in _said(messages)],
            "a pair for each: the sender, and the message.",
        ),
        "What the server sent is missing: it has the type receive.": Mistake(
            lambda messages: [one for one in _said(messages) if one[0] == "client"],
            "leave out the errors only.",
        ),
        "An empty message is a message too.": Mistake(
            lambda messages: [one for one in _said(messages) if one[1]], "do not skip empty data."
        ),
    },
    hints=(
        "opcode 1 is text, and data is the message. Opcode 2 is binary, and data is base64.",
        "type is send, receive, or error; only the first two are messages.",
    ),
    rfc="RFC 6455 §5.6",
    praise="that is all a HAR knows: the frames, their bytes and the goodbyes are not in it.",
    solution="""\
import base64

def said(messages):
    found = []
    for message in messages:
        if message["type"] == "error":
            continue
        sender = "client" if message["type"] == "send" else "server"
        data = message["data"]
        found.append((sender, base64.b64decode(data) if message["opcode"] == 2 else data))
    return found
""",
)

# --- Build: a line of HTML for anybody's text


class _Reader(HTMLParser):
    """Reads HTML as a browser does: which elements it makes, and which text it shows."""

    def __init__(self, source: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[str] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.elements.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def _line(got: object, text: str) -> Verdict | None:
    if not isinstance(got, str):
        return not_yet(
            f"line({text!r}) gave no text.",
            got,
            misconception=f"Expected HTML in a str, got {type(got).__name__}.",
            hint="return a text that begins with <li> and ends with </li>.",
        )
    read = _Reader(got.strip("\n"))
    if read.elements != ["li"]:
        made = ", ".join(f"<{one}>" for one in read.elements) or "no element at all"
        return not_yet(
            f"of line({text!r}) a browser makes {made}.",
            got,
            f"<li>{html.escape(text)}</li>",
            hint="one <li>, and in it only text: which signs of the text could open a tag?",
        )
    if read.text != text:
        return not_yet(
            f"line({text!r}) shows another text.",
            read.text,
            text,
            hint="the reader must see the text as it came, sign by sign.",
        )
    return None


check_line = Exercise(
    "line",
    "Whether `line(text)` gives the HTML of one list item that shows `text`, whatever it is.",
    cases=[
        ("Hello",),
        ("1 < 2 & 3 > 2",),
        ("<script>alert(1)</script>",),
        ("<b>Welcome!</b>",),
        ("&lt; is how HTML writes a <",),
        ("<img src=x onerror='alert(1)'>",),
        ("</li><li>a line of its own",),
    ],
    judge=_line,
    mistakes={
        "Put into HTML as it came, the text becomes part of the page.": Mistake(
            lambda text: f"<li>{text}</li>", "html.escape(text) is in Python's library."
        ),
        "A text with & in it is read as HTML too: &lt; would be shown as <.": Mistake(
            lambda text: f"<li>{text.replace('<', '&lt;')}</li>", "escape the & as well, first."
        ),
        "The & of &lt; is escaped once more here: & has to be the first.": Mistake(
            lambda text: f"<li>{text.replace('<', '&lt;').replace('&', '&amp;')}</li>",
            "first & to &amp;, then < to &lt;.",
        ),
        "Tags are taken out here. It is somebody's text: show it, and leave it whole.": Mistake(
            lambda text: f"<li>{html.escape(re.sub(r'<[^>]*>', '', text))}</li>",
            "escape the signs, and take nothing out.",
        ),
        "Without <script> there are still many ways: onerror in a picture is one.": Mistake(
            lambda text: f"<li>{re.sub('</?script>', '', text)}</li>",
            "do not look for what is dangerous: make all of it text.",
        ),
        "That is how a URL is escaped. HTML has its own way.": Mistake(
            lambda text: f"<li>{quote(text)}</li>", "html.escape(text) is in Python's library."
        ),
    },
    hints=(
        "two signs mean something in HTML, wherever they stand in a text: < and &.",
        "& becomes &amp;, and < becomes &lt;: html.escape(text) does both.",
    ),
    praise="anybody's text, and one line of text.",
    solution="""\
import html

def line(text):
    return f"<li>{html.escape(text)}</li>"
""",
)

# --- Build: which cookies ride along


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _rides_along(same_site: str, page: str, server: str) -> bool:
    return same_site == "None" or _host(page) == _host(server)


check_rides_along = Exercise(
    "rides_along",
    "Whether `rides_along(same_site, page, server)` says if a cookie comes with the handshake.",
    cases=[
        ("Lax", "http://127.0.0.1:8888/lab", "ws://127.0.0.1:8888/chat"),
        ("Strict", "http://127.0.0.1:8888/lab", "ws://127.0.0.1:8888/chat"),
        ("Strict", "http://127.0.0.1:8888/lab", "ws://127.0.0.1:9001/chat"),
        ("Lax", "http://127.0.0.1:8888/lab", "ws://127.0.0.1:9001/chat"),
        ("", "http://127.0.0.1:8888/lab", "ws://127.0.0.1:9001/chat"),
        ("None", "http://127.0.0.1:8888/lab", "ws://127.0.0.1:9001/chat"),
        ("Strict", "http://localhost:8888/lab", "ws://127.0.0.1:8888/chat"),
        ("Lax", "http://localhost:8888/lab", "ws://127.0.0.1:8888/chat"),
        ("", "http://localhost:8888/lab", "ws://127.0.0.1:8888/chat"),
        ("None", "http://localhost:8888/lab", "ws://127.0.0.1:8888/chat"),
    ],
    expected=_rides_along,
    mistakes={
        "A port is no part of a site: another one is still the same site.": Mistake(
            lambda same_site, page, server: (
                same_site == "None" or urlsplit(page).netloc == urlsplit(server).netloc
            ),
            "urlsplit(url).hostname is the host alone.",
        ),
        "http: and ws: belong together: compare the hosts, and not whole addresses.": Mistake(
            lambda same_site, page, server: same_site == "None" or page == server,
            "urlsplit(url).hostname is the host alone.",
        ),
        "Lax lets cookies come with a link that is followed, and a handshake is none.": Mistake(
            lambda same_site, page, server: (
                same_site == "Lax" or _rides_along(same_site, page, server)
            ),
            "for a WebSocket, Lax is as strict as Strict.",
        ),
        "Not every cookie goes everywhere: its SameSite decides.": Mistake(
            lambda same_site, page, server: True,
            "only one of the four goes to other sites.",
        ),
        "A cookie without SameSite is taken for Lax.": Mistake(
            lambda same_site, page, server: (
                same_site == "" or _rides_along(same_site, page, server)
            ),
            "which of the four goes to other sites? The one that says so.",
        ),
        "SameSite=None means: to no site is it bound. It goes to all of them.": Mistake(
            lambda same_site, page, server: same_site != "None" and _host(page) == _host(server),
            "None is the one that always comes.",
        ),
        "Strict keeps a cookie from other sites, not from its own.": Mistake(
            lambda same_site, page, server: (
                same_site != "Strict" and _rides_along(same_site, page, server)
            ),
            "at its own site every cookie comes.",
        ),
    },
    hints=(
        "two questions: is it the same site, and may the cookie leave it?",
        "here a site is a host: urlsplit(page).hostname == urlsplit(server).hostname.",
        "only SameSite=None may leave.",
    ),
    rfc="RFC 6265 §8.5",
    praise="so a port protects no cookie, and only the server's look at Origin tells pages apart.",
    solution="""\
from urllib.parse import urlsplit

def rides_along(same_site, page, server):
    if same_site == "None":
        return True
    return urlsplit(page).hostname == urlsplit(server).hostname
""",
)

# --- Bug hunt: a page that is dead after Back

PageEvent = tuple[str, int | None, bool | None]
STORIES: dict[str, list[PageEvent]] = {
    "the page is shown for the first time": [("pageshow", None, None)],
    "Back, and the page comes out of the cache": [
        ("pageshow", 1, None),
        ("error", 3, None),
        ("close", 3, False),
    ],
    "the network is gone for a moment": [("error", 3, None), ("close", 3, False)],
    "the reader has pressed Close": [("close", 3, True)],
    "Back, to a page that had closed its socket": [("pageshow", 3, None)],
}
"""Events of a page in order, each with the socket's readyState (None: there is none yet) and the
close event's wasClean. The second is what Chromium 156 does in part 7."""


def _connecting(function: Callable[..., object], told: str, story: list[PageEvent]) -> object:
    """The events at which the page connects."""
    came = [(event[0], function(*event)) for event in story]
    if any(answer is ... for _, answer in came):
        return ...
    return [name for name, connects in came if connects]


def _connects(event: str, ready_state: int | None, was_clean: bool | None) -> bool:
    return (event == "pageshow" and ready_state is None) or (event == "close" and not was_clean)


check_connects = Exercise(
    "connects",
    "Whether a page with `connects(event, ready_state, was_clean)` always has the socket it needs.",
    cases=list(STORIES.items()),
    use=_connecting,
    expected=_connects,
    mistakes={
        "After Back the page is dead: its socket is closed, and nothing connects again.": Mistake(
            lambda event, state, clean: event == "pageshow" and state is None,
            "close comes, and it was not clean: connect then.",
        ),
        "At pageshow the socket still says OPEN. Its close event is on the way.": Mistake(
            lambda event, state, clean: event == "pageshow" or (event == "close" and not clean),
            "at pageshow connect only where there is no socket yet: ready_state is None.",
        ),
        "This socket was closed before, and on purpose: it stays closed.": Mistake(
            lambda event, state, clean: (
                (event == "pageshow" and state == 3) or _connects(event, state, clean)
            ),
            "at pageshow connect only where there is no socket yet: ready_state is None.",
        ),
        "Somebody has closed the connection on purpose, and here it opens again.": Mistake(
            lambda event, state, clean: (event == "pageshow" and state is None) or event == "close",
            "was_clean is True where both sides have said goodbye.",
        ),
        "error and close come together: that makes two sockets.": Mistake(
            lambda event, state, clean: _connects(event, state, clean) or event == "error",
            "leave error out: the close right after it says more.",
        ),
        "An error tells nothing; the close right after it says whether it was clean.": Mistake(
            lambda event, state, clean: (event == "pageshow" and state is None) or event == "error",
            "wait for the close event.",
        ),
        "The first time there is no close: nobody connects.": Mistake(
            lambda event, state, clean: event == "close" and not clean,
            "at the first pageshow there is no socket: ready_state is None.",
        ),
    },
    hints=(
        "what becomes of the socket of a page that is left? Part 7 has the events.",
        "two moments to connect: the first pageshow, and a close that nobody wanted.",
    ),
    rfc="WHATWG: events",
    wrong=lambda told, story: f"{told}: it connects at the wrong events.",
    call="connects(…)",
    why=lambda got, told, story: (
        "The events were " + ", ".join(str(event) for event in story) + ".",
        "at which of them has the page no socket, and needs one?",
    ),
    praise="first shown, cut off, back from the cache: one socket each time.",
    solution="""\
def connects(event, ready_state, was_clean):
    if event == "pageshow":
        return ready_state is None
    return event == "close" and not was_clean
""",
)

SOLUTIONS = Solutions(check_line, check_pane, check_said, check_rides_along, check_connects)

solution = SOLUTIONS.show
