"""The exercises of the first connection: questions, checks that read the wire, hints, solutions."""

from __future__ import annotations

from typing import NamedTuple

from wslab.exercises.exercise import Exercise, Solutions
from wslab.exercises.question import Question
from wslab.exercises.verdict import Verdict, not_yet, solved
from wslab.wire import Capture, Unit

_SEND = "WHATWG: send()"
_CLOSE = "WHATWG: close()"
_EVENTS = "WHATWG: events"
_BINARY_TYPE = "WHATWG: binaryType"
"""What a browser's WebSocket does is the WHATWG's to say, and not the RFC's."""

PATIENCE = 0.5
"""Seconds that a page has for its goodbye, which may still be on its way when a check begins."""

QUESTIONS = {
    "early": Question(
        "let socket = new WebSocket(url); and in the very next line socket.send('Hello'). "
        "What happens?",
        (
            "The message is sent at once",
            "The message waits, and is sent when the connection is open",
            "The message is lost without a warning",
            "send() throws an exception",
        ),
        3,
        (
            "There is no connection yet to send it on: new WebSocket() only begins to connect, and "
            "returns long before the server has answered.",
            "A reasonable wish, and some libraries grant it. The browser does not.",
            "That is what happens at the other end of a socket's life, in CLOSING and CLOSED. Here "
            "you are told.",
            "InvalidStateError: the readyState is 0, CONNECTING. Wait for the open event.",
        ),
        "WHATWG: send()",
    ),
    "buffer_type": Question(
        "A page sets socket.bufferType = 'arraybuffer', and the server sends three bytes as a "
        "binary message. What is event.data?",
        ("An ArrayBuffer", "A Blob", "A string", "Nothing: setting bufferType throws"),
        1,
        (
            "It would be, if the property were called that. It is binaryType.",
            "There is no bufferType: JavaScript makes a new property of that name on the object, "
            "and says nothing. binaryType is still 'blob'.",
            "Only text messages arrive as strings.",
            "It would be kinder. But any object in JavaScript takes any new property.",
        ),
        "WHATWG: binaryType",
    ),
    "died": Question(
        "TCP is cut off. The page's close event says code 1006. Who sent that number?",
        ("The server", "The browser, to the server", "Nobody", "The tap"),
        2,
        (
            "It could not: nothing more crossed. And nobody may put 1006 into a close frame.",
            "It had nobody to send it to. And nobody may put 1006 into a close frame.",
            "1006 stands for 'no close frame came'. The browser makes it up for its own program, "
            "and it never crosses a wire.",
            "The tap changes nothing that it is not asked to, and adds nothing.",
        ),
        "RFC 6455 §7.4.1",
    ),
    "error": Question(
        "A page cannot connect. What does its error event say about why?",
        (
            "A message, in event.message",
            "A close code, in event.code",
            "Nothing at all",
            "The HTTP status that came instead of 101",
        ),
        2,
        (
            "Many pages show event.message, and so they show undefined.",
            "That comes with the close event, right after. It is 1006, whatever happened.",
            "On purpose: a page that learned why could search your network for machines and doors.",
            "The browser's own console tells you, at your desk. The page's script does not get it.",
        ),
        "WHATWG: events",
    ),
}


# --- What a page did, read off the wire


class _Talk(NamedTuple):
    """One connection of a page, from the recording."""

    units: list[Unit]
    proxied: bool
    """Whether jupyter-server-proxy stood between, as on a hub. The goodbye on this side is its own:
    it hands on neither the page's close code nor the reason."""

    def of(self, kind: str, direction: str) -> list[Unit]:
        return [unit for unit in self.units if (unit.kind, unit.direction) == (kind, direction)]


def _last_talk(capture: Capture) -> _Talk | None:
    """The last connection of a page, with its goodbye if that comes soon."""

    def said_goodbye() -> bool:
        talk = _talk_so_far(capture)
        return talk is not None and bool(talk.of("close", "client"))

    capture.wait_until(said_goodbye, PATIENCE)
    return _talk_so_far(capture)


def _talk_so_far(capture: Capture) -> _Talk | None:
    """The last connection that a %%browser cell made: its frame belongs to no site (Origin: null).

    On a hub the page around the frame makes it, which is, as the request tells it, a page of the
    very server that it connects to. A flood before it is not looked at: the last 5,000 rows are
    enough for a cell.
    """
    index = capture.index
    rows = index.rows(max(0, len(index) - 5_000))
    for request in reversed([row for row in rows if row.kind == "request"]):
        fields = {field.name.lower(): field.value for field in index.unit(request.number).fields}
        origin, host = str(fields.get("origin")), fields.get("host")
        proxied = (
            origin.partition("://")[2] == host
        )  # the proxy leaves both as the browser sent them
        if proxied or origin == "null":
            same = [row.number for row in rows if row.connection == request.connection]
            return _Talk([index.unit(number) for number in same], proxied)
    return None


def _code_and_reason(close: Unit) -> tuple[int | None, str]:
    if len(close.payload) < 2:
        return None, ""
    return int.from_bytes(close.payload[:2]), close.payload[2:].decode("utf-8", "replace")


_NO_PAGE = not_yet(
    "no page has connected yet.",
    hint="run the %%browser cell above in JupyterLab, then this one: it reads what crossed.",
)


_KEPT = (
    "What the page gave close() cannot be seen from here: on this hub a proxy stands between, and "
    "it says goodbye to the server without a code. So look at your cell yourself."
)


# --- Fill in: hello and goodbye


def _goodbye(capture: Capture) -> Verdict:
    talk = _last_talk(capture)
    if talk is None:
        return _NO_PAGE
    said, echoes, byes = (
        talk.of("text", "client"),
        talk.of("text", "server"),
        talk.of("close", "client"),
    )
    if not said:
        why = "Before the open event there is no connection to send on: send() throws."
        return not_yet(
            "the page connected, and said nothing.",
            misconception="" if byes else why,
            rfc=_SEND,
            hint="send() goes into the function for onopen: that runs once there is a connection.",
        )
    if not said[0].payload.startswith(b"My name is ") or len(said[0].payload) < 12:
        return not_yet(
            "the page said something else.",
            said[0].payload.decode("utf-8", "replace")[:60],
            "My name is …",
            hint="it has to begin with 'My name is ', and a name follows.",
        )
    if not byes:
        return not_yet(
            "no close frame has crossed from the page: it is still there, or it was cut off.",
            misconception="If close() was called with a code that script may not use, it has "
            "thrown, and nothing was sent: look under the cell.",
            hint="which event says that the echo has come? close() belongs in there.",
        )
    if not echoes or echoes[0].number > byes[0].number:
        return not_yet(
            "the page left before its echo came.",
            misconception="After close() no message event comes any more, though the message may "
            "be on its way.",
            rfc=_EVENTS,
            hint="the echo has come when onmessage is called: close() belongs in there.",
        )
    if talk.proxied:
        return solved(f"hello, echo, goodbye, in this order. {_KEPT} Is it 4001 and 'enough'?")
    if _code_and_reason(byes[0]) != (4001, "enough"):
        code, reason = _code_and_reason(byes[0])
        return not_yet(
            "the goodbye is another one.",
            f"{'no code' if code is None else code} {reason!r}",
            "4001 'enough'",
            _ending_misconception(code),
            _CLOSE,
            "socket.close(4001, 'enough'): the code is a number, the reason a text.",
        )
    return solved("hello, echo, goodbye: all of it crossed the wire, and the server has your code.")


def _ending_misconception(code: int | None) -> str:
    if code is None:
        return "close() without arguments sends a close frame with nothing in it."
    if code == 1001:
        return "1001 is the browser's own goodbye when the frame went away: the cell was run again."
    return ""


check_goodbye = Exercise(
    "goodbye",
    "Whether the last page said who it is, waited for the echo, and left with 4001 'enough'.",
    judge=_goodbye,
    hints=(
        "what is to happen first goes into onopen, what is to happen on the echo into onmessage.",
        "socket.send('My name is Ada') in one, socket.close(4001, 'enough') in the other.",
    ),
    rfc="RFC 6455 §7.1.2",
    solution="""\
%%browser
let socket = new WebSocket(url);

socket.onopen = () => {
  socket.send("My name is Ada");
};

socket.onmessage = (event) => {
  console.log(event.data);
  socket.close(4001, "enough");
};
""",
)

# --- Trace: which line comes when

_ORDER = "AGBCDEF"
_SEVEN = "write the seven letters in the order in which the lines appear, and the number in F."


def _order(order: str, close_code: object) -> Verdict:
    letters = "".join(char for char in str(order).upper() if char.isalpha())
    if not letters:
        return not_yet(_SEVEN)
    if sorted(letters) != sorted(_ORDER):
        return not_yet(
            "each of the seven letters appears once.",
            letters,
            "".join(sorted(_ORDER)),
            hint="A, B, C, D, E, F and G: only their order is asked for.",
        )
    if letters != _ORDER:
        why, hint = "", "A, then G: both are in the script itself, and it runs from top to bottom."
        if letters.index("G") > letters.index("B"):
            why = (
                "new WebSocket() does not wait. The script runs to its end first; no event comes "
                "before that."
            )
            hint = "which letters are in the script itself, in no handler? They come first."
        elif letters.index("D") < letters.index("C"):
            why = "send() does not wait either: the echo comes when this handler is done."
            hint = "B and C are in one handler: nothing can come between them."
        elif letters.index("F") < letters.index("E"):
            why = "close() only begins the goodbye. The close event comes when it is over."
            hint = "D and E are in one handler: nothing can come between them."
        elif letters.index("B") > letters.index("D"):
            why = "A message can come only after the connection is open."
            hint = "open is the first event of all, and close the last."
        return not_yet("not in this order.", misconception=why, rfc=_EVENTS, hint=hint)
    if close_code != 1005:
        return not_yet(
            "the order is right, the number is not.",
            close_code,
            misconception="close() without a code sends a close frame without one, and the server "
            "answers in kind. 1000 would be there if somebody had said 1000."
            if close_code == 1000
            else "1006 is for a connection that died. This one ended in peace."
            if close_code == 1006
            else "",
            hint="there is a code that stands for 'a close frame came, with no code in it'.",
        )
    return solved(
        "the script first, then one event after the other; and 1005, as no code was ever sent."
    )


check_order = Exercise(
    "order",
    "Whether `order` is that in which the lines appear, and `close_code` what F says.",
    judge=_order,
    hints=(
        "JavaScript finishes what it is doing before it looks at the next event.",
        "A and G are in the script itself. B and C are in one handler, D and E in another.",
        "or give up the guessing, and run it: the next cell.",
    ),
    rfc="RFC 6455 §7.1.5",
    untouched=_SEVEN,
    solution="""\
check_order("AGBCDEF", 1005)
""",
)

# --- Bug hunt: three bytes


def _bytes(capture: Capture) -> Verdict:
    talk = _last_talk(capture)
    if talk is None:
        return _NO_PAGE
    sent, byes = talk.of("binary", "client"), talk.of("close", "client")
    if not sent:
        return not_yet(
            "the page connected, and no binary message crossed.",
            misconception="send() was called while the readyState was 0, CONNECTING, and threw. "
            "What stands after it never ran.",
            rfc=_SEND,
            hint="which event says that the connection is open? send() belongs in there.",
        )
    if sent[0].payload != b"\x01\x02\x03":
        return not_yet(
            "these are other bytes.",
            sent[0].payload[:16],
            b"\x01\x02\x03",
            hint="new Uint8Array([1, 2, 3]) makes them.",
        )
    if not byes:
        return not_yet(
            "the bytes crossed, there and back, and then nothing: no close frame.",
            misconception="close() throws InvalidAccessError for any code but 1000 and 3000-4999, "
            "and sends nothing.",
            rfc=_CLOSE,
            hint="which of these codes does the task ask for?",
        )
    if talk.proxied:
        return solved(
            f"three bytes there, three bytes back, and a goodbye. {_KEPT} Is it 4000, and does the "
            "page really count 3? console.log(bytes.length) tells."
        )
    code, reason = _code_and_reason(byes[0])
    if reason != "got 3 bytes":
        return not_yet(
            "the page has miscounted.",
            reason,
            "got 3 bytes",
            "event.data was a Blob: a new Uint8Array of a Blob is empty. The property that changes "
            "this is called binaryType."
            if reason == "got 0 bytes"
            else _ending_misconception(code),
            _BINARY_TYPE if reason == "got 0 bytes" else "",
            "compare the name of the property, letter by letter, with that of part 4.",
        )
    if code != 4000:
        hint = "the code is the first thing that close() is given."
        return not_yet("the code is another one.", code, 4000, hint=hint)
    return solved("three bytes there, three bytes back, and a goodbye that says so.")


check_bytes = Exercise(
    "bytes",
    "Whether the last page sent three bytes, counted them back, and left with 4000.",
    judge=_bytes,
    hints=(
        "run the cell and read what stands under it: one fault tells its name.",
        "send() in onopen; look up the name of the property; and which codes may script use?",
        "the property is binaryType; 4000 is a code that script may use.",
    ),
    rfc="RFC 6455 §5.6",
    solution="""\
%%browser
let socket = new WebSocket(url);
socket.binaryType = "arraybuffer";

socket.onopen = () => {
  socket.send(new Uint8Array([1, 2, 3]));
};

socket.onmessage = (event) => {
  let bytes = new Uint8Array(event.data);
  socket.close(4000, `got ${bytes.length} bytes`);
};
""",
)


SOLUTIONS = Solutions(check_goodbye, check_order, check_bytes)

solution = SOLUTIONS.show
