"""The lesson on production: what a service needs that a first program does not."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from tempfile import TemporaryDirectory
from typing import ClassVar
from urllib.parse import urlsplit

from IPython.display import Code

from wslab.exercises.in_production import QUESTIONS
from wslab.labs.other_transports import OtherTransports
from wslab.labs.recorded_result import recorded_where_missing
from wslab.net import Client, PackageMissing, Tap, parse_url
from wslab.net.browsers import Chromium
from wslab.net.capacity import NEEDS, Figures, Wanted, measure, plan, run_out
from wslab.net.cluster import (
    TRAVELLERS,
    Chat,
    Cluster,
    beside,
    drain,
    kill_one,
    post_and_hear,
    redis_or_broker,
    roll,
    who_hears,
)
from wslab.net.guarding import (
    PLACES,
    WAYS,
    AttackServer,
    Attempt,
    Bank,
    Door,
    attack,
    attack_limits,
    follow_in_page,
    follow_secret,
    nginx_before,
)
from wslab.net.programs import Nginx, Postgres
from wslab.net.resume import (
    BIN,
    ComeBack,
    ForgetfulClient,
    RepeatingClient,
    ResumingClient,
    Store,
    Wait,
    lose_confirmation,
    lose_server,
    survive,
)
from wslab.net.tls import Authority
from wslab.net.trials import (
    PROXY,
    Reaction,
    TokenBucket,
    Witness,
    WorkingServer,
    fall_silent,
    how_it_ended,
    measure_fairness,
)
from wslab.view import PageFrame
from wslab.view.experiments import (
    Bar,
    Cell,
    Chart,
    Choice,
    Column,
    Experiment,
    Gallery,
    Line,
    Number,
    Outcome,
    ResultTable,
    Words,
)

_KINDS = (("plain", False, None), ("compressed", False, "deflate"), ("TLS", True, None))
_PLAN = Words(
    title="a million connections",
    choose="Which server?",
    question="What will ask for the most servers?",
    press="Plan it",
    first="say first what will ask for the most",
    ready="from the figures measured above",
    right="As you said",
    wrong="Not as you said. The most servers are asked for by",
    noun="server",
    static="Choose a server, set what you want of it, and plan:",
)
_SLIDERS = (
    Number("thousands", "thousand connections", 1000, 10, 2000, 10),
    Number("rate", "messages a second to each", 0.1, 0, 5, 0.1),
    Number("heartbeat", "seconds between pings", 20, 5, 120, 5),
    Number("herd", "seconds to come back in", 60, 5, 600, 5),
    Number("memory", "GB of memory in a server", 16, 1, 128, 1),
    Number("cores", "cores in a server", 8, 1, 64, 1),
)

RESUMES = "numbers, confirmations and keys"
GUESTS = {
    "connect again, and no more": ForgetfulClient,
    "ask for all again, and say all again": RepeatingClient,
    RESUMES: ResumingClient,
}
"""The kinds of guests whose server is killed, by what they do afterwards."""


class InProduction(OtherTransports):
    """The lab of the lesson on production."""

    questions = QUESTIONS
    predicts: ClassVar = {"plan": "What asks for the most servers?"}
    _figures: dict[str, Figures] | None = None

    def _set_up(self) -> None:
        self._running = threading.Lock()
        self._teach_browser_cells()
        self._chart: Chart | None = None
        self._came: dict[str, ComeBack] = {}  # by wait: the last herd

    # --- Coming back

    def connects(self) -> Chart:
        """A chart of how many connections a new server accepts in each tenth of a second."""
        title = "a server is back, and so are its clients"
        chart = Chart(title, x="seconds after the loss", y=f"connects in {BIN:g} s")
        self._chart = self._show(chart)
        return chart

    def lose_server(self, *waits: Wait, clients: int = 200) -> ResultTable:
        """Have `clients` clients lose their server at once and come back; drawn in the chart last
        shown. Each of `waits` has clients and a server process of its own, at the same time.

        A wait is a function of the number of tries in vain, which gives seconds. Raises ValueError
        for more than 5 seconds or 400 clients in all.
        """
        self._check_open()
        if not 1 <= clients * len(waits) <= 400:
            raise ValueError(f"expected 1 to 400 clients in all, got {clients * len(waits)}")
        # Asked for here, and not while the clients run: an error in a wait is the cell's own.
        asked = {
            getattr(wait, "__name__", "wait"): [
                [_seconds(wait, failed) for failed in range(8)] for _ in range(clients)
            ]
            for wait in waits
        }
        with self._running:
            came = lose_server(asked, away=0.9)
        self._came |= came
        if self._chart is not None:
            self._chart.clear()
            for name, one in self._came.items():
                for when, count in one.counts:
                    self._chart.add(name, when, count)
        return ResultTable(
            ["wait", f"most in {BIN:g} s", "tries in vain", "slowest handshake", "all are back"],
            [
                [
                    name, Bar(one.peak / clients, f"{one.peak}"), f"{one.refused:,}",
                    f"{1000 * one.slowest:,.0f} ms", f"after {one.over:.1f} s",
                ]
                for name, one in came.items()
            ],
            "herds",
        )  # fmt: skip

    # --- Going on where you were

    def lose_confirmation(self) -> ResultTable:
        """A message is stored, and the connection cut in place of the confirmation: what the room
        has in the end, from a guest that names its messages anew and from one that does not."""
        self._check_open()
        rows = []
        for name, guest, keys in (
            ("Ben", RepeatingClient, "a new key for each try"),
            ("Ada", ResumingClient, "a key for each message"),
        ):
            stored = lose_confirmation(guest, name, partial(self.tap_before, name=f"{name}'s room"))
            rows.append([name, keys, "Hello", ", ".join(stored)])
        return ResultTable(["guest", "uses", "says", "in the room's file"], rows, "confirmations")

    def survive(self, kills: int = 3) -> ResultTable:
        """Kill a server while two guests talk: what three kinds of guests lose and double. The talk
        of the last kind is on the wire. Raises ValueError for more than 10 kills."""
        self._check_open()
        if not 1 <= kills <= 10:
            raise ValueError(f"expected 1 to 10 kills, got {kills!r}")

        def before(url: str, kind: str) -> str:
            return self.tap_before(url, "room").url if kind == RESUMES else url

        with self._running:
            told = survive(kills, GUESTS, each=3, before=before)
        return ResultTable(
            ["guests", "kills", "said", "lost", "doubled"],
            [
                [kind, f"{one.kills}", f"{one.said}", f"{one.lost}", f"{one.doubled}"]
                for kind, one in told.items()
            ],
            "survived",
        )

    # --- Is anybody there?

    def heartbeats(self) -> ResultTable:
        """When a server notices that a client is gone, by the seconds between two pings (and as
        many for the pong), and what the pings cost: measured, then reckoned for longer times."""
        self._check_open()
        rows: list[list[Cell]] = []
        for interval in (None, 0.2, 0.4):
            server = Witness(self._name("heart"), ping_interval=interval)
            server.ping_timeout = interval
            with self._with_server(server, "heartbeat") as url:
                ended = fall_silent(server, url, patience=5.0 if interval else 1.0)
            found = f"after {ended.after:.2f} s: {ended.told}" if ended else "not within 1 s"
            rows.append([f"every {interval} s" if interval else "none", found, ""])
        with self.connect(name="answers") as client:
            client.ping(bytes(4))  # as many bytes as the library's own pings have
            both = sum(len(self.find(kind, of=client).data) for kind in ("ping", "pong"))
        for interval in (5, 20, 55):
            noticed, cost = (
                f"after {2 * interval} s at most",
                f"{3600 / interval * both:,.0f} bytes",
            )
            rows.append([f"every {interval} s", noticed, cost])
        return ResultTable(
            ["pings", "a silent client is noticed", "cost in an hour"], rows, "beats"
        )

    proxy = PROXY.format(behind="9000").replace("{port}", "8080")
    """What nginx is told, with ports of an example."""

    @recorded_where_missing
    def cut_by_proxy(self) -> ResultTable:
        """Two connections through nginx, one idle and one with a ping each second."""
        self._check_open()
        server = Witness(self._name("patient"))
        with (
            self._running,
            self._with_server(server, "behind nginx") as behind,
            Nginx(PROXY.format(behind=parse_url(behind).port), self._name("proxy")) as nginx,
        ):
            url = self.tap_before(nginx.url, "before nginx").url
            clients = [
                self._client(name, ping_interval=interval).connect(url)
                for name, interval in (("idle", None), ("pings", 1.0))
            ]
            # nginx passes the key on: the later connection with it is the one behind nginx.
            numbers = [self.connection_of(client) for client in clients]
            for client, number in zip(clients, numbers, strict=True):
                self.capture.set_name(number, f"{client.wire_name}, behind nginx")
            ends = [server.next_end(10.0), server.next_end(0.7)]
            rows = [
                ["open for", *(f"{end.after:.1f} s" if end else "still open" for end in ends)],
                ["its client is told", *(_code(one) for one in clients)],
                ["its server is told", *(end.told if end else "nothing" for end in ends)],
            ]
            for place, peers, back in (
                ("before nginx", ("client", "nginx"), 1), ("behind nginx", ("nginx", "server"), 0),
            ):  # fmt: skip
                told = [
                    " · ".join(how_it_ended(self.capture, number - back, *peers))
                    for number in numbers
                ]
                rows.append([f"the end, {place}", *(text or "has not come" for text in told)])
            logged = [line.partition("] ")[2].partition(' "-"')[0] for line in nginx.access_log]
            rows.append(["nginx's access log", *logged, "nothing yet"])
            said = " / ".join(nginx.printed) or "nothing"
            rows.append(["nginx's error log", said, said])
            for one in clients:
                one.stop()
        return ResultTable(["", "idle", "a ping each second"], rows, "idle")

    # --- Who are you?

    @cached_property
    def bank(self) -> Bank:
        """The bank of parts 4 and 5."""
        return Bank(self._name("bank"))

    @cached_property
    def bank_tap(self) -> Tap:
        """The tap before the bank, which is started with it."""
        return self._add_server(self.bank, "bank")

    def sniff(self) -> ResultTable:
        """Log in at the bank in four ways: what a sniffer on the way reads, and what we record."""
        rows = []
        for way in WAYS:
            found = follow_secret(self.bank, self.bank_tap.url, self.capture, way)
            rows.append([way, found.crossed, found.recorded])
        return ResultTable(["login by", "a sniffer reads", "our recording has"], rows, "sniffed")

    @recorded_where_missing
    def secrets(self) -> ResultTable:
        """Where the secret of each way shows, and whether it opens the account a second time."""
        rows = []
        with (
            nginx_before(self.bank_tap.port) as nginx,
            Chromium(self._name("secrets")) as chromium,
        ):
            page = chromium.open(nginx.url.replace("ws://", "http://"))
            for way in WAYS:
                sent = follow_secret(self.bank, self.bank_tap.url, self.capture, way)
                kept = follow_in_page(self.bank, nginx, page, way)
                shows = [sent.crossed, sent.recorded == sent.crossed, sent.access, kept.in_log]
                again = "opens the account" if sent.again == sent.said else f"refused: {sent.again}"
                rows.append(
                    [
                        way,
                        *(_SHOWS if shown else _HIDDEN for shown in (*shows, sent.debug)),
                        kept.in_page or _HIDDEN,
                        again,
                    ]
                )
        return ResultTable(["login by", *_PLACES, "a copy of it, later"], rows, "secrets")

    # --- Somebody else's page

    @cached_property
    def stranger(self) -> AttackServer:
        """The server of the stranger's page."""
        server = AttackServer(self._name("stranger"))
        self._resources.callback(server.stop)
        return server.start()

    def bank_page(self) -> PageFrame:
        """The bank's page in a frame, with a link to a tab of its own."""
        return self._framed(self.bank_tap.port, "/", "the bank's page")

    def attack_page(self) -> PageFrame:
        """The stranger's page, from another port of the same host."""
        path = f"/?bank={self.bank_tap.port}"
        return self._framed(self.stranger.port, path, "a stranger's page")

    def _framed(self, port: int, path: str, title: str) -> PageFrame:
        frame = PageFrame(port, path, title=title, height=260, same_host=True)
        self._resources.callback(frame.close)
        return frame

    def attack_code(self) -> Code:
        """What the stranger's page does, as its server serves it."""
        return Code(self.stranger.script, language="javascript")

    @recorded_where_missing
    def hijack(self) -> ResultTable:
        """Attack the bank from two pages, with each of its defences, in a Chromium without a window
        that sends cookies to third parties too."""
        rows: dict[str, list[Cell]] = {}
        for one in attack(self.bank, self.bank_tap.port, self.stranger):
            came = f"reads: “{one.read[-1]}”" if one.read else f"refused: {one.log[-3:]}"
            rows.setdefault(one.defence, [one.defence]).append(came)
        headings = ["the bank's defence", *(f"a page of {place}" for place in PLACES)]
        return ResultTable(headings, list(rows.values()), "hijacks")

    # --- Limits

    def limits(self) -> ResultTable:
        """Five attacks, each on a server that has no limits and on one that has them: the memory
        that its program held meanwhile, and what came of it."""
        rows = [
            [attack.what, *_told(careless), attack.limit, *_told(careful)]
            for attack, careless, careful in attack_limits()
        ]
        came = "what came of it"
        headings = ["attack", "no limit: held", came, "the limit", "with it: held", came]
        return ResultTable(headings, rows, "limits")

    def door_code(self) -> Code:
        """What counts the connections of the server with limits, before the handshake."""
        return Code(inspect.getsource(Door), language="python")

    def too_many(self) -> ResultTable:
        """How long a quiet client waits beside one that floods the server, by what becomes of who
        sends more than 50 messages a second (20 at once)."""
        reactions: dict[str, Reaction] = {
            "close with 1008": "close",
            "drop the message": "drop",
            "let it wait": "wait",
        }
        rows: list[list[Cell]] = []
        for what in ("nothing", *reactions):
            bucket = (lambda: TokenBucket(50, 20)) if what in reactions else None
            server = WorkingServer(self._name("work"), bucket, reactions.get(what, "close"))
            with server:
                fared = measure_fairness(server, server.url)
            told = f"close {fared.code}" if fared.code else "nothing"
            rows.append([what, f"{fared.worst * 1000:,.0f} ms", f"{fared.worked:,}", told])
        headings = ["the server's reaction", "the quiet client waits at most"]
        return ResultTable(
            [*headings, "messages of the other worked on", "the other is told"], rows, "too-many"
        )

    # --- Beside an HTTP server

    @recorded_where_missing
    def posts(self, database: str = "SQLite") -> ResultTable:
        """Post messages to an HTTP server, and see when a WebSocket server's guests have them.

        What the two processes share is a database: "SQLite", in a file; "PostgreSQL", started for
        this run; or the URL of a PostgreSQL of yours, where a table `said` is made and kept.
        """
        self._check_open()
        with ExitStack() as opened:
            where = database
            if database == "SQLite":
                folder = opened.enter_context(TemporaryDirectory(prefix="wslab-"))
                where = f"{folder}/room.db"
            elif database == "PostgreSQL":
                where = opened.enter_context(Postgres(self._name("postgres"))).url
            with Store.open(where) as store:
                last = store.last
            http, socket = opened.enter_context(beside(where))
            posted = post_and_hear(
                _http(self.tap_before(http, "HTTP").url),
                self.tap_before(socket, "WebSocket").url,
                ["The", "shop", "has", "new", "apples"],
                after=last,
            )
        return ResultTable(
            ["answer to the POST", *(f"{name} has it after" for name in posted[0].after)],
            [
                [f"{one.status}, number {one.number}", *map(_ms, one.after.values())]
                for one in posted
            ],
            "posts-table",
        )

    # --- One chat on many servers

    @contextmanager
    def _cluster(self, **room: str) -> Iterator[tuple[Cluster, str]]:
        """Two servers behind nginx, and the address of the tap before it."""
        with Cluster(self._name("nginx"), **room) as cluster:
            yield cluster, self.tap_before(cluster.nginx.url, "nginx").url

    @contextmanager
    def _joined_cluster(self) -> Iterator[tuple[Cluster, str, str]]:
        """The same, joined by Redis; and a note where it is not Redis."""
        with redis_or_broker(self._name("channel")) as (channel, why):
            note = why and f"Live, with a small broker of the lab in place of Redis: {why}"
            with self._cluster(channel=channel) as (cluster, url):
                yield cluster, url, note

    def chat_code(self) -> Code:
        """The chat of each server."""
        return Code(inspect.getsource(Chat), language="python")

    def nginx_code(self) -> Code:
        """What nginx is told to do before two servers."""
        http = Cluster(self._name("nginx")).nginx.http
        return Code(http.replace("{port}", "8080"), language="nginx")

    @recorded_where_missing
    def who_hears(self, *, redis: bool = False) -> ResultTable:
        """Have the guests of two servers say something. `redis`: whether Redis joins the two."""
        with ExitStack() as opened:
            if redis:
                _, url, note = opened.enter_context(self._joined_cluster())
            else:
                (_, url), note = opened.enter_context(self._cluster()), ""
            heard = who_hears(url)
        names = {one.guest: f"{one.guest}, at {one.stays[0][0]}" for one in heard}
        rows = [
            [at, *("hears" if name in one.texts[0] else "—" for one in heard)]
            for name, at in names.items()
        ]
        return ResultTable(["says something", *names.values()], rows, "who-hears", note=note)

    @recorded_where_missing
    def kill_one(self) -> ResultTable:
        """Kill one of two servers while people talk."""
        with self._joined_cluster() as (cluster, url, note):
            killed = kill_one(cluster, url)
        return ResultTable(
            ["guest", "was at", "closed with", "heard before", "while A was down", "afterwards"],
            [
                [
                    one.guest, *_journey(one.stays, one.ends),
                    *(
                        f"{len(texts)} of {said}"
                        for texts, said in zip(one.texts, killed.said, strict=True)
                    ),
                ]
                for one in killed.heard
            ],
            "kill-one",
            note=note,
        )  # fmt: skip

    # --- A rolling restart

    def drain_code(self) -> Code:
        """How a server sends its guests away."""
        return Code(inspect.getsource(drain), language="python")

    @recorded_where_missing
    def rolling_restart(self) -> ResultTable:
        """Restart both servers of a numbered room while people talk, one after the other."""
        with (
            TemporaryDirectory(prefix="wslab-") as folder,
            self._cluster(database=f"{folder}/room.db") as (cluster, url),
        ):
            said, rolled = roll(cluster, url)
        asks = {ForgetfulClient: "what is new", ResumingClient: "what it missed"}
        return ResultTable(
            [
                "guest", "asks for", "was at", "closed with",
                "said in vain", f"missed, of {said}", "twice",
            ],
            [
                [
                    one.guest, asks[TRAVELLERS[one.guest]], *_journey(one.stays, one.ends),
                    f"{one.in_vain}", f"{one.lost}", f"{one.doubled}",
                ]
                for one in rolled
            ],
            "rolling-restart",
        )  # fmt: skip

    # --- A million connections

    def heartbeat(self) -> int:
        """The bytes of a ping and its pong, as they cross: without the headers of TCP and IP."""
        with self.connect(name="heartbeat") as client:
            client.ping()
            return sum(len(self.find(kind, of=client).data) for kind in ("ping", "pong"))

    def figures(self) -> ResultTable:
        """Measure what a connection and a message cost a server here: memory and CPU."""
        self._check_open()
        figures: dict[str, Figures] = {}
        missing = ""
        for kind, secure, compression in _KINDS:
            with ExitStack() as ends:
                try:
                    authority = secure and ends.enter_context(Authority(self._name("figures")))
                except PackageMissing as why:
                    missing = f"Without TLS: {why}"
                    continue
                figures[kind] = measure(kind, authority or None, compression)
        rows = [
            [
                one.kind, f"{one.memory / 1000:,.1f} kB", f"{1e6 * one.delivery:.1f} µs",
                f"{1000 * one.handshake:.2f} ms",
            ]
            for one in figures.values()
        ]  # fmt: skip
        self._figures = figures
        columns = ["", "memory of an idle connection", "CPU of a message", "CPU of a handshake"]
        return ResultTable(columns, rows, "figures", note=missing)

    def ports(self) -> ResultTable:
        """Connect from ten source ports, as a proxy with ten ports would do."""
        out = run_out(10)
        return ResultTable(
            ["from 10 source ports", "connections", "the next one"],
            [
                ["to one server", f"{out.first}", out.error],
                ["to a second server, besides", f"{out.second}", ""],
            ],
            "ports",
        )

    def plan(self) -> Gallery:
        """A calculator: servers for many connections, from the figures that were just measured."""
        if self._figures is None:
            self.figures()
        assert self._figures is not None
        beat = self.heartbeat()
        experiments = [self._planned(one, beat) for one in self._figures.values()]
        gallery = Gallery(experiments, "plan", _PLAN, numbers=_SLIDERS)
        return self._show(self._noted(gallery, "plan"), "plan")

    def _planned(self, cost: Figures, beat: int) -> Experiment:
        def run(choice: Choice) -> Outcome:
            said = choice.numbers
            need = plan(
                cost, beat,
                Wanted(
                    round(1000 * said["thousands"]), said["rate"], said["heartbeat"],
                    1e9 * said["memory"], round(said["cores"]), said["herd"],
                ),
            )  # fmt: skip
            needs = [
                Line(f"{need.memory / 1e9:,.1f} GB", "memory"),
                Line(f"{need.message_cores:,.1f}", "cores for the messages"),
                Line(
                    f"{need.handshakes:,.0f} a second: {need.herd_cores:,.1f} cores",
                    "handshakes, while all come back",
                ),
                Line(f"{need.heartbeats:,.0f} a second", "heartbeats"),
                Line(f"{8 * need.heartbeat_bytes / 1e6:,.1f} Mbit/s", "heartbeats on the wire"),
                Line(f"{1000 * said['thousands']:,.0f}", "open files"),
                Line(f"{need.addresses}", "upstream addresses of a proxy"),
            ]
            most = max(need.servers.values()) or 1
            servers = [Line(f"{n:,.1f}", of, bar=n / most) for of, n in need.servers.items()]
            columns = [Column("needs", "what it takes", needs)]
            columns.append(Column("servers", "servers, because of", servers))
            return Outcome(columns, need.decides, result=need)

        each = f"{cost.memory / 1000:,.1f} kB a connection, {1e6 * cost.delivery:.1f} µs a message"
        what = f"Measured: {each}, {1000 * cost.handshake:.2f} ms a handshake"
        return Experiment(cost.kind, what, run, predictions=NEEDS)


def _code(client: Client) -> str:
    return "nothing" if client.close_code is None else f"close code {client.close_code}"


def _seconds(wait: Wait, failed: int) -> float:
    seconds = wait(failed)
    if not isinstance(seconds, int | float) or not 0 <= seconds <= 5:
        name = getattr(wait, "__name__", "wait")
        raise ValueError(f"expected {name}({failed}) to be from 0 to 5 (seconds), got {seconds!r}")
    return seconds


def _told(attempt: Attempt) -> list[str]:
    return [f"{attempt.memory / 2**20:.1f}\N{NO-BREAK SPACE}MiB", attempt.came]


_SHOWS, _HIDDEN = "👁 shows", "no"
_PLACES = (
    "on the wire",
    "in our recording",
    "the bank's access log",
    "nginx's access log",
    "the bank's log at DEBUG",
    "to a script in the page",
)


def _http(url: str) -> str:
    return f"http://{urlsplit(url).netloc}/"


def _ms(seconds: float) -> str:
    return f"{1000 * seconds:,.0f} ms"


def _journey(stays: Iterable[str], ends: Iterable[int]) -> list[str]:
    """Where somebody was, as server and version, and how the stays ended."""
    return [" → ".join(stays), ", ".join(map(str, ends)) or "—"]


open = InProduction  # again: it replaces the one before
