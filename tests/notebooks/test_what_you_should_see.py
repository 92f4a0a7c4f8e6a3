"""Every "What you should see" is what its cells print, run from top to bottom in a real kernel.

What only a page can show is read there, by the tests that `IN_A_PAGE` names. And every link to an
arrow (`#wire:…`) finds one.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from .lesson_run import COURSE, run_of

pytestmark = pytest.mark.kernel

SEEN: dict[str, dict[str, list[str]]] = {
    "00": {"python": ["^Hello$"], "bytes": ["client  text +11 bytes", "server  text +7 bytes"]},
    "01": {
        "python": ["^open$", "^message: Hello$", "^close: 1000 done$"],
        "good-end": ["client: 88 82( ..){6}", "server: 88 02 03 e8"],
        "bad-python": ["1006", "close_code: 1006$"],
        "bad-wire": [r"#\d+ +Python +client: 1000.*, server: 1000", "no close frame crossed$"],
        "error-python": ["nobody listens there"],
    },
    "02": {
        "recipe": [r"computed here +(\S+)\nsent by the server +\1$"],
        "origin-tries": ["school.example  let in", "evil.example  refused: .*403", "None  let in"],
        "bench-code": ["426 Upgrade Required", "Sec-WebSocket-Version: 13"],
    },
    "03": {
        "open": ["text .*Hello", "close .*1000"],
        "lengths": [
            r" 0 bytes: client adds  6 \(82 80\), server adds  2 \(82 00\)",
            r" 125 bytes: client adds  6 \(82 fd\), server adds  2 \(82 7d\)",
            r" 126 bytes: client adds  8 \(82 fe\), server adds  4 \(82 7e\)",
            r" 65536 bytes: client adds 14 \(82 ff\), server adds 10 \(82 7f\)",
        ],
        "mask": ["xor +b'Hello'"],
        "make-try": [r'text "by hand"; the peer\'s API: recv\(\) returned \'by hand\''],
        "rules": [
            r"^the start of a message +- +- +goes on$",
            r"^a ping between fragments +- +- +goes on$",
            r"^the end of the message +- +- +goes on$",
            r"^another message between fragments +message-interleaved +1002 +connection ended$",
            r"^16 bits of length for 5 bytes +length-not-minimal +- +goes on$",
            r"^a length with its top bit set +length-too-big +1009 +connection ended$",
            r"^text that is not UTF-8 +text-not-utf8 +1007 +connection ended$",
            r"^data after a close +frame-after-close +1000 +connection ended$",
            r"^a length that lies +- +- +goes on$",
        ],
        "fragments": [
            "the start of a message +back: nothing",
            'a ping between fragments +back: pong "?"',
            """the end of the message +back: text "Hello" said: recv.. returned 'Hello'""",
        ],
    },
    "04": {
        "three": ["API: recv", "messages: 1, frames: 3, reads: 1"],
        "hundred": ["API: recv", "messages: 1, frames: 100, reads: 1"],
        "together": ["messages: 3, frames: 3, reads: 1"],
        "apart": ["messages: 1, frames: 1, reads: 4"],
        "trace-send": [r'(?s)sent 89.*pong "\?"\nsent 80.*text "first and last"'],
        "utf8-cut": ['text "Grüße"', "messages: 1, frames: 2"],
        "utf8-bad": ["close 1007", "ended the TCP connection"],
        "busy": [r"quiet: [\d.]+ ms, busy: [\d.]+ ms"],
        "pong": ["back on the wire: nothing$"],
    },
    "05": {
        "send": [r"^await send\(\), 300 a second: \d+ of 500 messages arrived, the last after \d"],
        "fifteen": [r"^([4-9]\d|1[0-4]\d) calls of 150 returned at once"],
        "senders-all": [
            r"^a loop that just sends +[12],\d+ kB",
            r"^every 100 ms, if nothing waits .*\d\d of 500 .* (9\d|100)%.*stopped after 3 s$",
            r"^every 100 ms, fill up to a limit +1\d\d kB +\d+ of 500 +[\d.]+ s +\d%",
            r"^await send\(\) +[34]\d kB +\d+ of 500 +[\d.]+ s +\d%",
        ],
        "never": [
            r"^await send\(\), never read: 0 of 500 messages .*stopped after 1 s",
            r"^a loop that just sends, never read: 0 of 500 .* [12],\d+,\d+ bytes waited",
        ],
        "tap": [r"await send\(\), through the tap: \d+ of 500 messages arrived"],
        "wire": ["binary"],
        "sizes": [
            r"one frame of 65,536 bytes +65,550 +the same message",
            r"one frame of 65,537 bytes +65,551 +close 1009",
            r"three fragments of 32,768 bytes +\S+ +close 1009",
            r"a header that announces a terabyte +14 +close 1009",
        ],
        "fairness": [
            r"a fast client, and no limit +\d\d\d+ ms|a fast client, and no limit +\d,\d+ ms",
            r"a fast client, and a bucket for each .* 1008$",
        ],
    },
    "06": {
        "open": ["request +Sec-WebSocket-Protocol: chat, superchat", "response .*: superchat$"],
        "negotiations-code": [
            "^not offered .*✗.refuses$", "^list .*✗.refuses$", "^two fields .*✗.refuses$",
            "^none in common .*✓.opens$",
        ],
        "token": [
            r"^the query of the URL( +👁 sees it){3} +does not$",
            r"^a subprotocol +👁 sees it +does not +👁 sees it +does not$",
            r"^the first message +👁 sees it +does not( +👁 sees it){2}$",
        ],
        "twice": ["^f2 48 cd c9 c9 07 00 ", "^f2 00 11 00 00 "],
        "explain": ["RSV1 = 1"],
        "by-hand": ["^b'Hello'$"],
        "fragments": [r"^01000001  text\n00000000  continuation\n1000000"],
        "parameters": [
            r"^permessage-deflate +(\d{3}) +\d\d +(\d{3}) +\d\d$",
            r"server_no_context_takeover +\d{3} +\d\d +(\d{3}) +\1$",
            r"client_no_context_takeover +(\d{3}) +\1 +\d{3} +\d\d$",
            r"server_max_window_bits=9 +\d{3} +\d\d +\d{3} +\d{3}$",
        ],
        "costs-bytes": ["JSON: 7 points", "random: 7 points, last 100"],
        "costs-memory": [r"to compress: 7 points, last \d{3} KiB", "to inflate: 7 points"],
        "broadcasts": ["^once for all, without context .* bytes$"],
        "leak-first": ["10 points"],
        "bomb": [r"^1,000,000 zeros: \d{3,4} bytes.*came back$", "^2,000,000 .*close code 1009$"],
        "bomb-stop": [r"^\(1000, \d+\)$"],
        "leak-attack": [r"(?m)^(\d{6}) .*\n\1 +the PIN that the server has$"],
        "leak-remedies": [r"not compressed\n.*\n\? +(\d+)( \1){9}$"],
        "mqtt": ["binary .* 10 13 00 04 4d 51 54 54 04", "◀── server  binary .* 20 02 00 00"],
        "jupyter": ["GET /api/kernels/", "◀── server  binary"],
        "socket-io": [r'"40\{\}"', "greet"],
        "graphql": ["connection_ack", '"type":"next"', '"complete"'],
        "stomp": ["CONNECTED", "SUBSCRIBE", "MESSAGE"],
        "decode-wire": ["rows"],
    },
    "07": {
        "wire": [],
        "connect": ["CLOSED", "4000"],
        "bytes-read": ["^0f a0 67", "^4000 good night$"],
        "gallery-1002": ["close 1002", "1006"],
        "clean": [
            "1000  reports 1000, clean: True",
            "1006  reports 1006, clean: False, .*: \\[\\]",
            r"never-answers-close  reports 1006, clean: False, .*\['close 1000[^,]*'\]",
        ],
        "never": [rf"close\({code}\) +✗" for code in (1004, 1005, 1006, 1015)],
        "never-frame": ["close 1002"],
        "script": [r"close\(999\) +✗", r"close\(1000\) +✓ sent", r"close\(1002\) +✗.*✓ sent"],
        "reason": ["control frame too long", "1002"],
    },
    "08": {
        "connect": ["Hello"],
        "table": ["CONNECTING → CLOSING +client +calls close"],
        "close-it": [
            r"(?s)server answers 101: CONNECTING → OPEN.*client receives a valid 101",
            r"(?s)client sends a close frame: OPEN → CLOSING.*server ends its half of TCP",
        ],
        "said": [r"client: table (\[.*\])\n +library \1", r"server: table (\[.*\])\n +library \1"],
        "silence": ["after 2.0 s: ConnectTimedOut", "CONNECTING → CLOSED"],
        "freeze": ["and it says: OPEN$"],
        "keepalive-code": ["between 0.4 and 1.2 s", "left OPEN after 1.[2-9]", "reports 1006"],
        "send": ["OPEN +sends", "CLOSED +raises"],
        "trace-story": ["client: TCP breaks off"],
    },
    "09": {
        "frames": [],
        "events": ['"welcome"', '"from": "Linus in code", "text": "Ada: I owe Linus a coffee"'],
        "plain-http": ["/ +200", "POST +/ +405", "nothing-here +404", "/chat +426 Upgrade"],
        "origin": [r"http://127.*comes in", "evil.example  403", "None  comes in"],
        "safe-add": ["textContent"],
        "cuts": ["the receiver closed with 1007", "the server closed with 1009"],
        "hostile": ["1007", "1009", "1008", "1003"],
        "slow": ["1013"],
        "vanish": ["1006", "not noticed"],
    },
    "10": {
        "unseen": ["^to 1 connection$", "^Python received: one message, three frames$"],
        "today-options": [r"new Proxy\(\{ protocols", r"get\(values, name\)"],
        "today-table": [
            r"^experiment: question +this browser +Chromium \d+, recorded [\d-]{10} +Firefox \d+",
            r"^options: read from the object +not tried yet +nothing \(.*: protocols, target",
        ],
        "policy": ["^default-src 'none'$", "^script-src 'self'$", "^connect-src 'self'$"],
        "converse": ["message: 3 bytes\n +error\n +close: code 1006", "message: in three frames$"],
        "chrome-panes": [
            "^from .* Chrome's pane",
            '^server +ping "are you there\\?" +FIN +16 +nothing$',
            r'^client +text "ha.* FIN RSV1 MASK +1\d +ha.* 400$',
            '^server +continuation "frames" +FIN +8 +in three frames · 15$',
            '^server +text "still here" +FIN +12 +nothing$',
            "^ +Data frame received after close · N/A$",
            r"(?s)\A((?!nothing$).)*(nothing\n((?!nothing$).)*){9}\Z",  # nine rows, no more
        ],
        "heads": [r"^CONNECTION:···Upgrade +CONNECTION:·Upgrade$", "^X-Lab:··two· +X-Lab:·two$"],
        "panes": [
            r"^client +close 4001 bye +FIN MASK +11 +nothing +with Control: .x0f¡bye · 5 B$",
            '^server +text "still here" +FIN +12 +nothing +still here · 10 B$',
            '^server +text "too late" +FIN +10 +nothing +nothing$',
            "^ +Connection Closed: 4001 bye$",
        ],
        "devtools": [
            "webSocketFrameReceived +opcode 1, mask false · in three frames · 15$",
            "^client +pong .* nothing$",
            "webSocketFrameSent +opcode 1, mask true · Hello",
        ],
        "har-read": ["^send 1 Hello$", "^receive 2 AAH/$", "^error -1 Data frame received after"],
        "har": ["no bytes", "1 entry without a WebSocket left out"],
    },
    "11": {
        "kind": ["^'you said: Hello'$", "Buffer 48 65 6c 6c 6f> binary: false",
                 "Buffer 48 65 6c 6c 6f> binary: true"],
        "room-python": ["^b'Hello'$"],
        "chat-python": ['"event":"welcome","name":"Linus"', '"from":"Linus","text":"Good morning'],
        "chat-door": ["^chat +None +comes in$", "evil.example +403$", "^attic +None +404$"],
        "client-ws": ["Buffer .* false$", "pong: are you there", "close: 1001$"],
        "client-own": ["Hello ping is undefined", "InvalidAccessError", "close: 4000 true"],
        "two-clients": ["an error says +connect ECONNREFUSED .* nothing$"],
        "requests": [r"with_ws(.*\n)+?.*permessage-deflate", "user-agent: node",
                     "sec-fetch-mode: websocket"],
        "ends-code": [
            "^SIGTERM: .*exit code 0; Python: close 1001; Node: close 1001 clean$",
            "^SIGKILL: .*by SIGKILL; Python: close 1006; Node: close 1006 not clean$",
        ],
        "order-run": [r"^\['A', 'C', 'D', 'B'\]$"],
    },
    "12": {
        "polling": [r"^polling: 30 of 30 messages by [3-6] requests; "],
        "waits-run": ["^polling: 30 of 30 messages"],
        "compare": [
            r"^polling +30 +[3-7] ",
            r"^long polling +30 +\d\d ",
            *(rf"^{way} +30 +1 " for way in ("server-sent events", "streamed fetch", "WebSocket")),
        ],
        "quiet": [r"^polling +3 +[3-6] +", r"^streamed fetch +3 +1 +5", r"^WebSocket +3 +1 +6"],
        "idle": [
            r"^polling +request and response +\d{3} bytes +2 s +\d{3}.\d kB$",
            r"^long polling +request and response +\d{3} bytes +20 s +\d\d.\d kB$",
            r"^server-sent events +chunk +\d bytes +20 s +1.4 kB$",
            r"^streamed fetch +chunk +\d bytes +20 s +1.1 kB$",
            r"^WebSocket +ping and pong +\d bytes +20 s +1.4 kB$",
        ],
        "rare": [r"^polling .* 3,600 s +0.4 kB$", "^streamed fetch .* 1.1 kB$"],
        "chunk": ["chunk size = [0-9a-f]+ .*bytes follow", "id = 2 ", r"data = \{", "empty line ="],
        "words": [
            r"^server-sent events +\S+ ms +\S+ ms +([4-9]|[1-5]\d) +\S+ ms +0 +0$",
            r"^WebSocket +\S+ ms +\S+ ms +[0-3] +\S+ ms +0 +0$",
        ],
        "words-stops": [
            r"^server-sent events +\S+ ms +\S+ ms +\d +never +50 +0$",
            r"^WebSocket +\S+ ms +\S+ ms +\d +never +50 +0$",
        ],
        "once": [
            r"^HTTP +1,\d{3} +\d\d%", r"^HTTP, asked again +[34]\d\d +100%",
            r"^WebSocket +1,\d{3} +\d\d%",
        ],
    },
    "13": {
        "twice": [
            "^the server's name: localhost +read +read$",
            "^the path: /rooms/garden +read +hidden$",
            "^what was said: .* read +hidden$",
            r"^bytes in all +\d{3} +[23],\d{3}$",
        ],
        "guess": [r"^yes +31 bytes +yes$", r"^perhaps tomorrow +44 bytes +perhaps tomorrow$"],
        "type": [r"^c +\d\d bytes +5 +", r"^coli +\d\d bytes +1 +colitis$"],
        "type-filled": [r"^c +124 bytes +42 +", r"^colitis +124 bytes +[12]\d +"],
        "key-log": [r"^#\d+ answers +SERVER_TRAFFIC_SECRET_0 +[0-9a-f]{16} …$"],
        "with-keys": [
            "^sealed.pcapng +nobody +no frames",
            "^opened.pcapng +client +text +1 +Meet me at eight$",
            "^opened.pcapng +server +close +0 +good night$",
        ],
        "trust-all": [
            "^good +It opens$",
            r"^expired +An error, and close code 1006 +net::ERR_CERT_DATE_INVALID .* has expired "
            "+the browser says: certificate unknown$",
            "^old TLS .* the server says: protocol version$",
        ],
        "careless": [
            "^checks +expected a certificate .* Do not switch the check off",
            "^does not +the impostor's echo: my password is 1234$",
        ],
        "old-proxy-all": [
            r"^ws, stripped +Refused with 426 .* GET / HTTP/1.1 · Via: 1.1 old-proxy$",
            "^ws, passed on +It opens, and no echo comes ",
            "^wss +The echo comes back .* TLS +TLS$",
            r"^wss, CONNECT +The echo comes back .* CONNECT 127.0.0.1:\d+ HTTP/1.1 +TLS$",
        ],
        "mixed-all": [
            r"^https to ws +new WebSocket\(\) throws +Mixed Content: .* nothing$",
            "^https to ws on this machine +It opens +GET / HTTP/1.1 ",
            "^https to ws, upgraded +It opens +TLS$",
        ],
        "nginx-all": [
            "^all three lines +The echo comes back +TLS +GET / HTTP/1.1 .* Connection: upgrade$",
            "^no version +Refused with 505 +TLS +GET / HTTP/1.0 ",
            "^no Upgrade +Refused with 426 +TLS +GET / HTTP/1.1 · Connection: upgrade$",
            "^no Connection +Refused with 426 +TLS .* Connection: close$",
        ],
    },
    "14": {
        "herd": [
            rf"^{one} +\d+ +[\d,]+ +\d+ ms +after [\d.]+ s$" for one in ("back_off", "full_jitter")
        ],
        "lose-confirmation": [
            "^Ben +a new key for each try +Hello +Hello, Hello$",
            "^Ada +a key for each message +Hello +Hello$",
        ],
        "survive": [
            r"^connect again, and no more +3 +22 +[1-9]\d* +0$",
            r"^ask for all again, and say all again +3 +22 +0 +[1-9]\d*$",
            r"^numbers, confirmations and keys +3 +22 +0 +0$",
        ],
        "heartbeats": [
            "^none +not within 1 s$",
            r"^every 0.2 s +after [\d.]+ s: .* 1011 ",
            "^every 20 s +after 40 s at most +2,880 bytes$",
        ],
        "cut-by-proxy": [
            r"^open for +[2-9]\.\d s +still open$",
            "^its client is told +close code 1006 +nothing$",
            "^the end, before nginx +nginx: FIN · client: FIN +has not come$",
            "^the end, behind nginx +nginx: FIN · server: FIN +has not come$",
        ],
        "sniff": [
            r"^cookie +Cookie: wslab_bank_\d+=\S+ +Cookie: \*+$",
            r'^first message +{"token": "(\S+)"} +{"token": "\1"}$',
        ],
        "secrets": [
            r"^query string +👁 shows +no +(👁 shows +){3}localStorage +opens the account$",
            r"^ticket +👁 shows +no +(👁 shows +){3}no +refused: 401$",
        ],
        "hijack": [
            r"^SameSite=Strict +reads: “100 paid to Eve, .*” +refused: 401$",
            r"^Origin +refused: 403 +refused: 403$",
            r"^ticket +refused: 401 +refused: 401$",
        ],
        "limits": [
            r"^a message of 16 MiB +1[56].\d.MiB +it is taken +max_size +0.0.MiB +close 1009$",
            r"^256 messages .* the attacker waits, after \d+$",
        ],
        "too-many": [
            r"^nothing +(\d{3}|\d,\d{3}) ms +\d{3} +nothing$",
            r"^close with 1008 +\d{1,2} ms +\d\d +close 1008$",
        ],
        "version": ["^at first: 1$", "^we have written: 1$", "^they have written: 2$"],
        "posts-sqlite": [r"^201, number 1 +\d+ ms", r"^201, number 5 +\d+ ms +\d+ ms +\d+ ms$"],
        "posts-postgres": [r"^201, number 5 +\d+ ms +\d+ ms +\d+ ms$"],
        "deaf": ["^Ada, at A +hears +— +hears +—$", "^Di, at B +— +hears +— +hears$"],
        "joined": [rf"^{one}, at [AB]( +hears){{4}}$" for one in ("Ada", "Ben", "Cy", "Di")],
        "killed": [
            r"^Ada +A1 → B1 +1006 +12 of 12 +[0-5] of 6 +12 of 12$",
            r"^Ben +B1 +— +12 of 12 +6 of 6 +12 of 12$",
        ],
        "restart": [
            r"^Ada +what is new +A1 → (?:B1 → )?[AB]2 +1012(?:, 1012)? +\d+ +[1-9]\d* +0$",
            r"^Cy +what it missed +A1 → (?:B1 → )?[AB]2 +1012(?:, 1012)? +0 +0 +0$",
            r"^Di +what it missed +B1 → [AB]2 +1012 +0 +0 +0$",
        ],
        "http2": [
            r"^server .* SETTINGS +0 +.*ENABLE_CONNECT_PROTOCOL 1",
            "^client .* HEADERS +END_HEADERS +1 +:method CONNECT, .*:protocol websocket",
            "^server .* DATA +1 +text: 81 05 48 65 6c 6c 6f",
            "^client .* DATA +END_STREAM +1 +close",
        ],
        "http2-chromium": ["^server .*ENABLE_CONNECT_PROTOCOL 1", "^client .*:protocol websocket"],
        "same-frames": [
            r"^Sec-WebSocket-Key +\S+== +none +differs$", r"^· masking key .* differs$",
            r"^the server's text +(81 05 \S.*?) +\1 +the same$",
        ],
        "streams": [
            r"^client +1 +the first socket +HEADERS +[67]\d ",
            r"^client +3 +the second socket +HEADERS +1\d ", "^server +5 +the page +DATA ",
        ],
        "unread": ["^the first socket +65,535 +80,020$", "^the second socket +0 +19$"],
        "webtransport": [
            r"^Initial +\d+ with [\d,]+ bytes", r"^1-RTT +\d+ with ", "stream: “Hello” came",
        ],
        "webtransport-chromium": [
            r"^1-RTT +\d+ with ", "stream: “Hello” came", r"\d of 20 came back",
        ],
        "losses": [
            r"^one stream +\d+ +40 of 40 +yes +\d+ ", r"^a stream for each +\d+ +40 of 40 +no +0 ",
            r"^datagrams +\d+ +[123]\d of 40 +\S+ +0 ",
        ],
        "figures": [r"^plain +\d\d?\.\d kB", r"^compressed +[3-6]\d\.", r"^TLS +[23]\d\d\."],
        "ports": [r"^to one server +10 +\w", "^to a second server, besides +10$"],
    },
    "15": {"open": ["^- 1 · answer the request$", "^- 8 · refuse what is illegal$"]},
}  # fmt: skip
"""By notebook and cell: what its printed output has to match."""

LESSON = "test_the_lesson_from_top_to_bottom"
IN_A_PAGE = {
    "01": {
        "browser-why": LESSON,
        "no-ping-why": LESSON,
        "types-why": LESSON,
        "error-why": "two_ends",
    },
    "02": {"fetch-why": "fetch_is_no_handshake"},
    "04": {"pong-text": "the_line_climbs_while_a_cell_works"},
    "05": {
        "page-loop-why": "a_page_just_sends",
        "stream-text": "a_page_asks_whether_nothing_waits",
        "stream-why": "a_page_awaits",
    },
    "06": {"browser-why": LESSON},
    "07": {"connect-text": "says_goodbye_by_buttons"},
    "08": {
        "connect-text": LESSON,
        "hold-why": LESSON,
        "step-1-why": LESSON,
        "silence-text": LESSON,
        "options-why": "the_browsers_options",
        "pinged-why": "a_browser_answers_pings_unasked",
    },
    "09": {"attack-text": LESSON},
    "10": {
        "page-why": LESSON,
        "unsafe-why": LESSON,
        "dismiss-why": LESSON,
        "status-parts-why": LESSON,
        "support-why": LESSON,
        "detect-why": LESSON,
        "today-why": "this_browser_answers_for_itself",
    },
    "11": {"room-why": LESSON, "chat-why": LESSON, "matrix-why": LESSON},
    "12": {"page-why": "the_page_gets_the_feed"},
    "15": {
        "guests-look": "test_the_ladder_the_chat_and_the_suite",
        "suite-look": "test_the_ladder_the_chat_and_the_suite",
    },
    "14": {
        "cut-why": "a_page_comes_back",
        "attack-why": "a_strangers_page_pays_until_the_bank_looks_at_origin",
        "lost-text": "your_browser_opens_a_webtransport_session",
        "plan-why": "the_million_is_planned",
    },
}
"""Texts about what a page draws, and the function of `tests/browser/test_<topic>.py` that reads it
there."""


def path_of(number: str) -> Path:
    (path,) = COURSE.glob(f"{number}_*.ipynb")
    return path


def printed(number: str) -> dict[str, str]:
    """What each code cell of a lesson prints, run from top to bottom."""
    told = {}
    for cell in run_of(path_of(number).name).cells:
        # What is printed may come in pieces, also within a line.
        told[cell.id] = "".join(
            one.get("text") or one.get("data", {}).get("text/plain", "") + "\n"
            for one in cell.get("outputs", [])
        ).rstrip("\n")
    return told


# In the process that has run the notebook already.
each_lesson = pytest.mark.parametrize(
    "number",
    [pytest.param(one, marks=pytest.mark.xdist_group(path_of(one).name)) for one in SEEN],
)


@each_lesson
def test_a_lesson_prints_what_it_says_will_be_seen(number):
    told = printed(number)
    for cell, patterns in SEEN[number].items():
        for pattern in patterns:
            assert re.search(pattern, told[cell], re.MULTILINE), (cell, pattern, told[cell])


@pytest.mark.parametrize("number", SEEN)
def test_nothing_is_promised_that_no_test_reads(number):
    path = path_of(number)
    since: list[str] = []
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            since.append(cell["id"])
        elif "What you should see" in "".join(cell["source"]):
            # Cells of the promise itself, since the one before; a promise may be a cell's own.
            read = set(since) & SEEN[number].keys()
            assert read or cell["id"] in IN_A_PAGE.get(number, ()), cell["id"]
            since = []


@each_lesson
def test_every_link_leads_to_an_arrow_and_to_the_same_one_after_run_all(number):
    told = printed(number)
    met = [
        line
        for name, text in told.items()
        if name.startswith("links-of-")
        for line in text.splitlines()
    ]
    assert len(met) >= 2, "the prose of this lesson leads to no arrows"
    assert [line for line in met if line.endswith("row None")] == []
    assert met == told["links-at-the-end"].splitlines()


@pytest.mark.parametrize("number", IN_A_PAGE)
def test_the_tests_that_read_the_page_exist_and_run(number):
    path = path_of(number)
    cells = {cell["id"]: cell for cell in json.loads(path.read_text("utf-8"))["cells"]}
    topic = path.stem.partition("_")[2]
    module = ast.parse(
        (COURSE.parent / "tests" / "browser" / f"test_{topic}.py").read_text("utf-8")
    )
    functions = {one.name for one in module.body if isinstance(one, ast.FunctionDef)}
    calls = [one.func for one in ast.walk(module) if isinstance(one, ast.Call)]
    called = {call.id for call in calls if isinstance(call, ast.Name)}
    for cell, name in IN_A_PAGE[number].items():
        assert "What you should see" in "".join(cells[cell]["source"]), cell
        assert name in functions, (cell, name)
        assert name.startswith("test_") or name in called, (cell, name)
