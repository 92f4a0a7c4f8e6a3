"""The exercises of the lesson on production."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wslab.exercises.exercise import Exercise, Mistake, Solutions
from wslab.exercises.question import Question

QUESTIONS = {
    # --- Coming back
    "again": Question(
        "A page's WebSocket has lost its connection: the server was restarted. Who opens a new "
        "one, and when?",
        (
            "The browser, after a few seconds, as it does for an EventSource",
            "The server, as soon as it is back",
            "Nobody, unless the page's own program does",
        ),
        2,
        (
            "An EventSource does that. A WebSocket is CLOSED, and stays so.",
            "A server cannot call a browser: connections are opened by clients.",
            "CLOSED is the last state. A new connection needs a new WebSocket object.",
        ),
        "WHATWG: readyState",
    ),
    "together": Question(
        "200 clients lose their server at the same moment. Each of them waits 0.05 s, tries, waits "
        "0.1 s, tries, waits 0.2 s, and so on. The server is back after about a second. How do "
        "they come?",
        (
            "One after the other: the waits become longer and longer",
            "All together, at the same moment",
            "By chance: some early, some late",
        ),
        1,
        (
            "The waits of one client become longer. But all clients have the same ones.",
            "They began together and follow the same formula, so they stay together for ever.",
            "There is no chance in this formula. There should be.",
        ),
        "RFC 6455 §7.2.3",
    ),
    # --- Going on where you were
    "arrived": Question(
        "A client has sent a message, and send() was successful. Then the connection breaks, and "
        "nothing came back. Has the server got the message?",
        (
            "Yes: send() would have failed otherwise",
            "No: the server would have answered",
            "The client cannot know",
        ),
        2,
        (
            "send() has handed it to the system of this machine, and no more.",
            "Perhaps it has: the answer may be what was lost.",
            "Either the message or the answer to it is lost. Both look the same from here.",
        ),
        "RFC 6455 §7.1.5",
    ),
    # --- Is anybody there?
    "idle": Question(
        "Two connections through a proxy that gives up after two seconds. On one nothing is said, "
        "on the other there is a ping each second. Which close code does the idle client get?",
        ("1000", "1001", "1006", "None: it stays OPEN"),
        2,
        (
            "That takes a close frame, and a proxy that passes bytes on does not send one.",
            "A server says this when it goes away. It has not, and it knows nothing of all this.",
            "TCP ends, and no close frame has come.",
            "The proxy closes both sides of it, and the client is told.",
        ),
        "RFC 6455 §7.1.5",
    ),
    # --- Who are you?
    "log": Question(
        "Somebody steals yesterday's access log of the web server in front of the bank. Which of "
        "the four ways to log in has left something in it that still opens the account?",
        ("The first message", "The cookie", "The query string", "The ticket"),
        2,
        (
            "An access log ends with the handshake: no message is in it.",
            "Web servers write the first line of a request into it, and no header but two: the "
            "Referer and the name of the program.",
            "It is part of the first line of the request, which every web server writes down.",
            "It is in the log, but it was used up a moment later.",
        ),
        "RFC 6455 §10.5",
    ),
    # --- Somebody else's page
    "bicycle": Question(
        "Ada has logged in at the bank, by a cookie. In another tab she opens a stranger's page "
        "and presses its button. What can that page do at the bank, if the bank checks no more "
        "than the cookie?",
        (
            "Nothing: the same-origin policy keeps it from other sites",
            "Open the socket, but read nothing",
            "Read the account, and pay",
            "Read her cookie, and use it later",
        ),
        2,
        (
            "That policy is about fetch and about frames. A handshake is not bound by it.",
            "That is what fetch does to an answer of another origin. Messages of a WebSocket are "
            "given to whichever page has opened it.",
            "The browser adds the cookie by itself, and the bank sees Ada.",
            "No page reads the cookie of another host, and this one is HttpOnly. It need not: the "
            "browser sends it along.",
        ),
        "RFC 6455 §10.2",
    ),
    "site": Question(
        "Now the cookie has SameSite=Strict. The stranger's page is at 127.0.0.1 as the bank is, "
        "on another port. Does the cookie come along?",
        (
            "No: another port is another origin, and so another site",
            "Yes: a site has no port",
            "Only if Ada allows third-party cookies",
        ),
        1,
        (
            "Another origin, yes. A site is the scheme and the registered name, and no port.",
            "An origin has one. bank.school.example and blog.school.example are one site, too.",
            "It is no third party's: for the browser both pages are of the same site.",
        ),
        "RFC 6265 §8.5",
    ),
    # --- Limits
    "half": Question(
        "A hundred clients connect by TCP, send the first half of a handshake, and then nothing "
        "more. Which limit of the server gets rid of them?",
        (
            "A count of connections for each address, in process_request",
            "max_size",
            "open_timeout",
            "Pings, and a time for the pong",
        ),
        2,
        (
            "process_request is called when the whole request is there. It never is.",
            "It limits messages, and no message can come before the handshake is done.",
            "It limits the time for the handshake. The library ends the connection then.",
            "Frames, pings too, come after the handshake.",
        ),
        "RFC 6455 §10.4",
    ),
    # --- Beside an HTTP server
    "news": Question(
        "The HTTP server, a process of its own, has put a new row into the SQLite file that a "
        "WebSocket server has open as well. How does the WebSocket server learn of it?",
        (
            "SQLite tells it: both have the file open",
            "Not at all, unless it looks again or somebody tells it",
            "The HTTP server's POST comes to both processes",
        ),
        1,
        (
            "SQLite is a library inside each process. No server stands between them who could "
            "tell one what the other has done.",
            "The file is right, and nobody knows. So one has to ask, or another has to tell.",
            "A connection belongs to the process that accepted it.",
        ),
        "SQLite: data_version",
    ),
    # --- One chat on many servers
    "deaf": Question(
        "nginx gives each new connection to the next of two servers, which know nothing of each "
        "other. Ada, Ben, Cy and Di come in, in this order. Ada says hello. Who hears it?",
        ("Everybody", "Ada and Cy", "Ada and Ben", "Only Ada"),
        1,
        (
            "A server can send only to connections that it has itself.",
            "Ada and Cy are at the one server, Ben and Di at the other.",
            "Ben came next, and so he was given to the other server.",
            "Cy is a guest of the same server as she is.",
        ),
        "nginx: upstream",
    ),
    "away": Question(
        "The servers are joined by Redis now. One is killed, and its guests come back within a "
        "second. What about the messages of that second?",
        (
            "Redis keeps them until the guests are back",
            "For these guests they are lost",
            "nginx keeps them",
        ),
        1,
        (
            "Pub/sub keeps nothing: who is not there when a message is published never gets it.",
            "Redis sends a message to those who are subscribed at that moment, at most once.",
            "nginx passes bytes on. It does not know what a message is.",
        ),
        "Redis: pub/sub",
    ),
    # --- A rolling restart
    "restarts": Question(
        "Servers A and B are restarted, A first. Each sends its guests away, and nginx gives them "
        "to the other one. How often does a guest of A have to come back?",
        ("Not at all", "Once", "Twice"),
        2,
        (
            "A connection cannot move to another process: it is closed, and opened anew.",
            "That holds for a guest of B. Where is the guest of A when B's turn comes?",
            "First from A to B, which is still the old version, and then from B to A.",
        ),
        "IANA: close codes",
    ),
    # --- HTTP/2, WebTransport, a million connections
    "one_connection": Question(
        "Two WebSockets share one HTTP/2 connection. On the way a packet is lost, with a message "
        "of the first socket in it. What becomes of the second socket's messages behind it?",
        (
            "They arrive at once: these are two streams",
            "They wait until the packet has been sent again",
            "They are lost as well",
        ),
        1,
        (
            "To HTTP/2, yes. TCP below knows only one stream of bytes, and it delivers in order.",
            "TCP hands over no byte before those in front of it. This is head-of-line blocking.",
            "TCP sends again what was lost; nothing is missing in the end.",
        ),
        "RFC 9114 §1.1",
    ),
    "lost": Question(
        "One packet in five is lost. 40 messages are sent on a stream, and 40 in datagrams. "
        "How many arrive?",
        ("All on the stream, fewer in datagrams", "Fewer in both", "All in both"),
        0,
        (
            "Streams send again what was lost, datagrams never do.",
            "A stream sends again what was lost, as TCP does.",
            "Nobody sends a datagram again: what is lost stays lost.",
        ),
        "RFC 9221 §5",
    ),
}
"""By name; `lab.ask(name)` shows one."""

# --- Build: how long to wait

_LONGEST = 30
"""Seconds."""

Uniform = Callable[[float, float], float]


def _back_off(
    limit: Callable[[int], float] = lambda failed: min(_LONGEST, 2**failed),
    wait: Callable[[Uniform, float], float] = lambda uniform, limit: uniform(0, limit),
    first: int = 0,
    resets: bool = True,
) -> type:
    """The class that was asked for; the mistakes change one thing each."""

    class BackOff:
        def __init__(self, uniform: Uniform) -> None:
            self.uniform, self.failed = uniform, first

        def wait(self) -> float:
            seconds = wait(self.uniform, limit(self.failed))
            self.failed += 1
            return seconds

        def connected(self) -> None:
            self.failed = first if resets else self.failed

    return BackOff


def _waits(back_off: Callable[[Uniform], Any], chance: float, life: str) -> Any:
    """The waits of a client whose `uniform` always falls at the same place between its limits."""
    one, got = back_off(lambda low, high: low + chance * (high - low)), []
    for event in life.split():
        if event == "connected":
            one.connected()
        elif (seconds := one.wait()) is ...:
            return ...
        else:
            got.append(round(seconds, 6) if isinstance(seconds, int | float) else seconds)
    return got


_LIMIT = "first the limit, at most 30; then uniform(0, limit)."

check_back_off = Exercise(
    "back_off",
    "Whether `BackOff` gives the waits of exponential back-off with full jitter.",
    cases=[
        (0.25, "lost lost lost"),
        (0.0, "lost lost"),
        (1.0, "lost lost lost lost"),
        (1.0, "lost lost connected lost lost"),
        (0.25, "lost lost lost lost lost lost lost lost lost"),
        (1.0, "lost lost lost lost lost lost lost connected lost"),
    ],
    use=_waits,
    expected=_back_off(),
    mistakes={
        "Without a longest wait it is a minute after six tries, and a quarter of an hour after "
        "ten.": Mistake(_back_off(limit=lambda failed: 2**failed), "min(30, …)"),
        "There is no chance in it: a thousand clients come back all at once.": Mistake(
            _back_off(wait=lambda uniform, limit: limit), "return uniform(0, limit)"
        ),
        "A little chance on top of a long wait: all still come within one second.": Mistake(
            _back_off(wait=lambda uniform, limit: limit + uniform(0, 1)), _LIMIT
        ),
        "Half of the wait is the same for everybody, so they come in half of the time. Full "
        "jitter begins at 0.": Mistake(
            _back_off(wait=lambda uniform, limit: limit / 2 + uniform(0, limit / 2)), _LIMIT
        ),
        "Full jitter begins at 0: so the first wait has no chance in it.": Mistake(
            _back_off(wait=lambda uniform, limit: uniform(1, limit)), _LIMIT
        ),
        "The limit is put on the wait, when chance has spoken already: after some tries nearly all "
        "wait just 30 seconds, and come together.": Mistake(
            _back_off(lambda failed: 2**failed, lambda u, limit: min(_LONGEST, u(0, limit))), _LIMIT
        ),
        "It never begins anew: who was connected for a day still waits long when the connection is "
        "lost.": Mistake(_back_off(resets=False), "set the number of tries back in connected()."),
        "The limit grows by the same step each time. It is to double.": Mistake(
            _back_off(limit=lambda failed: min(_LONGEST, 1 + failed)), "2 ** self.failed"
        ),
        "The first wait has a limit of 2 s already: count after the wait.": Mistake(
            _back_off(first=1), "2 ** 0 is 1."
        ),
        "It always waits up to the same limit: it must double with each try in vain.": Mistake(
            _back_off(limit=lambda failed: 1), "count the calls of wait(), and use the count."
        ),
    },
    hints=(
        "what does an object of this class have to remember between two calls?",
        _LIMIT,
        "self.uniform(0, min(30, 2 ** self.failed)), and count.",
    ),
    rfc="RFC 6455 §7.2.3",
    call=lambda chance, life: f"with uniform(0, 1) = {chance:g}: {', '.join(life.split())}",
    wrong=lambda chance, life: (
        f"what happens is: {', '.join(life.split())}; and uniform(0, 1) gives {chance:g} here."
    ),
    praise="{count} clients: each wait doubles its limit, up to 30 s, and a connection resets it.",
    solution="""\
class BackOff:
    def __init__(self, uniform):
        self.uniform = uniform
        self.failed = 0

    def wait(self):
        limit = min(30, 2 ** self.failed)
        self.failed += 1
        return self.uniform(0, limit)

    def connected(self):
        self.failed = 0
""",
)

# --- Bug hunt: who may open the account

OURS = "https://school.example"
"""The one origin whose pages may open an account."""

GOOD_FOR = 10.0
"""Seconds for which a ticket is good."""

Call = tuple[str | None, str, float]
"""An Origin, a ticket, and the time at which both come."""


def _account(
    allowed: Callable[[str | None], bool] = lambda origin: origin == OURS,
    *,
    once: bool = True,
    lifetime: float = GOOD_FOR,
) -> Callable[..., str | None]:
    """An `account` that is right, but for what is given."""

    def account(
        origin: str | None, ticket: str, tickets: dict[str, tuple[str, float]], now: float
    ) -> str | None:
        if not allowed(origin):
            return None
        name, issued = tickets.get(ticket, (None, now))
        late = now - issued > lifetime
        if once:
            tickets.pop(ticket, None)
        return None if late else name

    return account


def _answers(account: Callable[..., object], *calls: Call) -> list[object]:
    tickets = {"t1": ("Ada", 100.0), "t2": ("Eve", 100.0)}
    return [account(origin, ticket, tickets, now) for origin, ticket, now in calls]


check_account = Exercise(
    "account",
    "Whether `account` opens accounts for the right page and the right ticket, and for no other.",
    cases=[
        ((OURS, "t1", 101.0),),
        ((OURS, "t9", 101.0),),
        (("https://not-school.example.evil.example", "t1", 101.0),),
        (("https://school.example.evil.example", "t1", 101.0),),
        (("https://evil-school.example", "t1", 101.0),),
        (("http://school.example", "t1", 101.0),),
        (("null", "t1", 101.0),),
        ((None, "t1", 101.0),),
        ((OURS, "t1", 101.0), (OURS, "t1", 102.0)),
        ((OURS, "t2", 100.0 + GOOD_FOR + 1),),
        ((OURS, "t1", 101.0), (OURS, "t2", 102.0)),
    ],
    use=_answers,
    expected=_account(),
    mistakes={
        "evil-school.example ends with school.example, and anybody can register it.": Mistake(
            _account(lambda origin: origin is not None and origin.endswith("school.example")),
            "an origin is compared as a whole, scheme and all.",
        ),
        "school.example.evil.example begins with school.example, and belongs to evil.example.": (
            Mistake(
                _account(lambda origin: origin is not None and origin.startswith(OURS)),
                "what may still come behind the text that you compare?",
            )
        ),
        "`in` finds the name anywhere: in front, behind, or as a part of another name.": Mistake(
            _account(lambda origin: origin is not None and "school.example" in origin),
            "an origin is compared as a whole: with ==, or with a set of those allowed.",
        ),
        "http://school.example is another origin: whoever sits on the way can write its pages.": (
            Mistake(
                _account(lambda origin: origin in (OURS, "http://school.example")),
                "the scheme is a part of the origin.",
            )
        ),
        '"null" is the origin of every page in a sandbox, and the stranger can make one.': Mistake(
            _account(lambda origin: origin in (OURS, "null")),
            "it is nobody's name, so it is not yours.",
        ),
        "A missing Origin is let in. This door is for pages, and every page has one.": Mistake(
            _account(lambda origin: origin in (OURS, None)),
            "what does `origin and ...` do for None?",
        ),
        "The ticket opened the account twice: whoever reads it in a log can use it.": Mistake(
            _account(once=False), "take it out of `tickets`: pop, in place of []."
        ),
        "A ticket that nobody used is good for ever.": Mistake(
            _account(lifetime=1e9), "what is `issued` for?"
        ),
    },
    hints=(
        "one fault is about the page, two are about the ticket, and one about who has no Origin.",
        "try it with https://evil-school.example, with None, twice, and a minute later.",
        "an origin is compared as a whole; a ticket is taken out when it is looked up.",
    ),
    rfc="RFC 6455 §10.2",
    wrong="{what} opened the wrong accounts.",
    call=lambda *calls: " then ".join(
        f"account({origin!r}, {ticket!r}, …, {now:g})" for origin, ticket, now in calls
    ),
    praise="one origin, compared as a whole; one ticket, good once and for ten seconds.",
    solution="""\
def account(origin, ticket, tickets, now):
    if origin != "https://school.example":
        return None
    name, issued = tickets.pop(ticket, (None, now))
    return name if now - issued <= 10 else None
""",
)

# --- Bug hunt: everything twice

_AT = {"Ada": "A", "Ben": "B", "Cy": "A"}
_DELIVER = "…"
"""In a script: the channel brings what was published."""


def _play(server: Callable[..., Any], *script: str) -> dict[str, list[object]]:
    """What each guest has heard after a script of two servers joined by a channel."""
    published: list[object] = []
    servers = {name: server(published.append) for name in "AB"}
    heard: dict[str, list[object]] = {guest: [] for guest in _AT}
    for guest, at in _AT.items():
        servers[at].guests.append(heard[guest].append)
    for event in (*script, _DELIVER):
        if event == _DELIVER:
            for message in published[:20]:  # while it may grow
                published.remove(message)
                for one in servers.values():
                    one.heard(message)
        else:
            guest, _, text = event.partition(": ")
            servers[_AT[guest]].said(text)
    return heard


Method = Callable[[Any, Any], object]


def _server(said: Method, heard: Method = lambda self, message: self.tell(message)) -> type:
    """A `Server` of two methods, which knows what its guests have said."""

    def begin(self: Any, publish: Callable[[object], None]) -> None:
        self.guests, self.publish, self.known = [], publish, []

    def tell(self: Any, message: object) -> None:
        for guest in self.guests:
            guest(message)

    return type("Server", (), {"__init__": begin, "tell": tell, "said": said, "heard": heard})


def _tell_and_publish(self: Any, text: str) -> bool:
    self.known.append(text)
    self.tell(text)
    self.publish(text)
    return True


_ONCE = "a message has one way to every guest: through the channel. What is left for `said` to do?"

check_server = Exercise(
    "server",
    "Whether guests of two servers hear everything once, and in the same order.",
    cases=[
        ("Ada: hello",),
        ("Ben: ha", _DELIVER, "Ben: ha", _DELIVER, "Cy: ha"),
        ("Ada: one", "Ben: two"),
        ("Ben: one", "Ada: two", "Cy: three"),
    ],
    use=_play,
    expected=_server(lambda self, text: self.publish(text)),
    mistakes={
        "Guests of the speaker's server hear it twice: the channel brings back what one has "
        "published oneself.": Mistake(_server(_tell_and_publish), _ONCE),
        "Nobody hears what is said at the other server: it is not published, or what the channel "
        "brings is not passed on.": Mistake(
            _server(_tell_and_publish, lambda self, message: None),
            "the other server knows only what comes from the channel.",
        ),
        "`said` does nothing any more, so nobody hears anything.": Mistake(
            _server(lambda self, text: None), _ONCE
        ),
        "Each message reaches its own server first, and so Ada and Ben hear two messages in "
        "different orders.": Mistake(
            _server(
                lambda self, text: (self.tell(text), self.publish((self, text))),
                lambda self, told: told[0] is self or self.tell(told[1]),
            ),
            _ONCE,
        ),
        "A text that is said twice is heard once: equal is not the same.": Mistake(
            _server(
                lambda self, text: text in self.known or _tell_and_publish(self, text),
                lambda self, text: text in self.known or self.tell(text),
            ),
            _ONCE,
        ),
    },
    hints=(
        "follow one message of Ada's: by which two ways does it reach Cy, who is at the same "
        "server?",
        _ONCE,
        "said: self.publish(text), and no more.",
    ),
    rfc="Redis: pub/sub",
    call=lambda *script: " ".join(one if one == _DELIVER else f"({one})" for one in script),
    wrong="after {what} not everybody has heard everything once and in the same order.",
    praise="{count} conversations; the channel decides on the order, for everybody.",
    solution="""\
class Server:
    def __init__(self, publish):
        self.guests = []
        self.publish = publish

    def said(self, text):
        self.publish(text)

    def heard(self, text):
        for tell in self.guests:
            tell(text)
""",
)


# --- Trace: WebSocket frames inside HTTP/2 frames

HTTP2_BYTES = bytes.fromhex(
    "000007 00 08 00000001 02 81054865 0000"
    "000004 00 00 80000003 81026869"
    "000003 00 01 00000001 6c6c6f"
)
"""What a server sends in two sockets: three DATA frames; one has padding, one the reserved bit."""

_LENGTHS, _STREAMS = (7, 4, 3), (1, 3, 1)


def _traced(
    lengths: tuple[int, ...] = _LENGTHS, streams: tuple[int, ...] = _STREAMS, text: str = "Hello"
) -> Callable[..., list[object]]:
    """An answer that is right, but for what is given."""
    return lambda *_: [*zip(lengths, streams, strict=True), text]


def _pairs(value: object) -> object:
    if not isinstance(value, list | tuple):
        return value
    return [tuple(one) if isinstance(one, list) else one for one in value]


check_inside = Exercise(
    "inside",
    "Whether these are the length and stream of each HTTP/2 frame, and the text on stream 1.",
    expected=_traced(),
    mistakes={
        "A length of 32 bits: only the first 3 bytes are the length, the next one is the type.": (
            Mistake(_traced((1792, 1024, 768)), "00 00 07 is the first length.", "RFC 9113 §4.1")
        ),
        "You read the numbers from their last byte. On the wire the first byte counts most.": (
            Mistake(
                _traced((0x070000, 0x040000, 0x030000), (1 << 24, 0x03000080, 1 << 24)),
                "00 00 07 is 7, and 00 00 00 01 is 1.",
                "RFC 9113 §2.2",
            )
        ),
        "The first bit of the 4 bytes for the stream does not belong to its number.": Mistake(
            _traced(streams=(1, 2**31 + 3, 1)),
            "it is reserved: leave it out, whatever it says.",
            "RFC 9113 §4.1",
        ),
        "The 9 bytes of a head are not counted in its length.": Mistake(
            _traced((16, 13, 12)), "write down what the 3 bytes say.", "RFC 9113 §4.1"
        ),
        "The length counts all that is behind the head: the padding, and the byte about it.": (
            Mistake(_traced((4, 4, 3)), "write down what the 3 bytes say.", "RFC 9113 §6.1")
        ),
        "Flag 8 is PADDED: the first byte says how many bytes at the end are no data.": (
            Mistake(
                _traced(text="He\0\0llo"), "leave out the two zeros at the end.", "RFC 9113 §6.1"
            )
        ),
        "A DATA frame is not a WebSocket frame: the rest of this one comes later.": (
            Mistake(_traced(text="He"), "81 05: how many bytes of text are to come?")
        ),
        "What is between them on stream 3 belongs to another socket.": Mistake(
            _traced(text="Hehillo"), "join what stream 1 carries, and nothing else."
        ),
    },
    hints=(
        "the first 9 bytes are a head. How long is what follows it, and where does the next begin?",
        "000007 00 08 00000001: 7 bytes, DATA, PADDED, stream 1. Its payload begins with the "
        "number of bytes of padding.",
        "stream 1 carries 81 05 48 65, and then 6c 6c 6f: one WebSocket frame.",
    ),
    rfc="RFC 8441 §5",
    read=_pairs,
    wrong="this is not what crossed.",
    praise="two layers of frames, and neither knows where the other one's begin.",
)


SOLUTIONS = Solutions(check_back_off, check_account, check_server)

solution = SOLUTIONS.show
