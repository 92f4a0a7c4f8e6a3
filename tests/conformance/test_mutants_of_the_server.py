"""Faults planted into the reference server, one at a time: the case for each rule finds its own."""

from __future__ import annotations

import inspect

import pytest

from wslab.conformance import cases_for, check_server
from wslab.exercises import reference_server
from wslab.net import RawServer

from .mutants import Mutant

SOURCE = inspect.getsource(reference_server)

MUTANTS = [
    # The request and its answer.
    Mutant("answers 200 instead of 101", '"101 Switching Protocols"', '"200 OK"',
           "request-correct"),
    Mutant("answers without Connection", '"101 Switching Protocols", "Connection: Upgrade",',
           '"101 Switching Protocols",', "request-correct"),
    Mutant("answers without Upgrade", '"Upgrade: websocket", *fields', "*fields",
           "request-correct"),
    Mutant("ends lines with LF alone", 'return "\\r\\n".join([f"HTTP', 'return "\\n".join([f"HTTP',
           "request-correct"),
    Mutant("leaves out the empty line", '*fields, "", ""]', '*fields, ""]', "request-correct"),
    Mutant("computes accept without the GUID", "(key + GUID)", "(key)", "request-correct"),
    Mutant("writes accept in hexadecimal",
           "base64.b64encode(hashlib.sha1((key + GUID).encode()).digest()).decode()",
           "hashlib.sha1((key + GUID).encode()).hexdigest()", "request-correct"),
    Mutant("computes accept with SHA-256", "hashlib.sha1(", "hashlib.sha256(", "request-correct"),
    Mutant("decodes the key before it is hashed", "hashlib.sha1((key + GUID).encode())",
           "hashlib.sha1(base64.b64decode(key) + GUID.encode())", "request-correct"),
    Mutant("reads field names as they are written", "fields.setdefault(name.lower(), [])",
           "fields.setdefault({'Upgrade': 'upgrade', 'Connection': 'connection', 'Host': 'host', "
           "'Sec-WebSocket-Key': 'sec-websocket-key', 'Sec-WebSocket-Version': "
           "'sec-websocket-version'}.get(name, name.upper()), [])",
           "request-names-in-lower-case"),
    Mutant("wants a space behind the colon", 'line.partition(":")', 'line.partition(": ")',
           "request-no-space-behind-colon"),
    Mutant("does not strip values", "append(value.strip())", "append(value.removeprefix(' '))",
           "request-spaces-around-values"),
    Mutant("keeps the first of several fields", '",".join(values)', "values[0]",
           "request-connection-twice"),
    Mutant("takes any method", "(method, version) != (b\"GET\", b\"HTTP/1.1\")",
           "version != b\"HTTP/1.1\"", "request-post-method"),
    Mutant("takes methods in lower case", "(method, version) != (b\"GET\", b\"HTTP/1.1\")",
           "(method.upper(), version) != (b\"GET\", b\"HTTP/1.1\")", "request-get-in-lower-case"),
    Mutant("takes HTTP/1.0", "(method, version) != (b\"GET\", b\"HTTP/1.1\")",
           "method != b\"GET\"", "request-http-1.0"),
    Mutant("takes a request without Host", 'fields.get("host", ",")', 'fields.get("host", "")',
           "request-missing-host"),
    Mutant("takes any Upgrade", 'fields.get("upgrade", "").lower() == "websocket" and', "",
           "request-wrong-upgrade"),
    Mutant("wants Upgrade in lower case", 'fields.get("upgrade", "").lower()',
           'fields.get("upgrade", "")', "request-upgrade-in-capitals"),
    Mutant("takes what only begins with websocket", '.lower() == "websocket"',
           '.lower().startswith("websocket")', "request-upgrade-websockets"),
    Mutant("takes any Connection", 'and "upgrade" in words', "", "request-wrong-connection"),
    Mutant("wants Connection to be one word", 'and "upgrade" in words', 'and words == ["upgrade"]',
           "request-connection-with-keep-alive"),
    Mutant("looks for a piece of a word in Connection",
           '.replace(" ", "").lower().split(",")', '.lower()',
           "request-upgrade-without-connection-word"),
    Mutant("takes any version", 'or fields.get("sec-websocket-version") != "13"', "",
           "request-wrong-version"),
    Mutant("takes a missing version", 'fields.get("sec-websocket-version") != "13"',
           'fields.get("sec-websocket-version", "13") != "13"', "request-missing-version"),
    Mutant("compares versions as numbers", 'fields.get("sec-websocket-version") != "13"',
           '(fields.get("sec-websocket-version") or "0").partition(".")[0] != "13"',
           "request-version-in-words-of-http"),
    Mutant("refuses a version and does not name its own", '"Sec-WebSocket-Version: 13", ', "",
           "request-wrong-version"),
    Mutant("takes a key of any length", "return bad if len(key) != 16 else None", "return None",
           "request-short-key"),
    Mutant("refuses requests with a query", "method, _, version = ",
           'method, path, version = request.split(b"\\r\\n")[0].split(b" ")\n'
           "        if b'?' in path:\n            return bad\n        method, _, version = ",
           "request-query"),
    # Reading a frame.
    Mutant("trusts TCP with the first two bytes", "await reader.readexactly(2)\n    length",
           "await reader.read(2)\n    length", "delivery-text-byte-by-byte"),
    Mutant("trusts TCP with the payload", "payload = await reader.readexactly(head.length)",
           "payload = await reader.read(head.length)", "delivery-64-bit-length-in-pieces"),
    Mutant("reads the length little-endian",
           'await reader.readexactly(2 if length == 126 else 8), "big")',
           'await reader.readexactly(2 if length == 126 else 8), "little")', "length-text-126"),
    Mutant("reads 64 bits as 32", "readexactly(2 if length == 126 else 8)",
           "readexactly(2 if length == 126 else 4)", "length-binary-65536"),
    Mutant("knows no 16-bit length", "if length > 125:", "if length > 126:", "length-text-126"),
    Mutant("takes FIN for always set", "Head(first >= 0x80,", "Head(True,", "fragments-two"),
    Mutant("reads three bits of opcode", "first & 0b1111", "first & 0b0111",
           "control-ping-text"),
    Mutant("unmasks with the first byte of the key only", "key[i % 4]", "key[0]",
           "framing-text"),
    Mutant("begins the key anew behind 125 bytes", "key[i % 4]", "key[i % 125 % 4]",
           "length-binary-126"),
    # Writing one.
    Mutant("writes no FIN", "bytes([0x80 | opcode,", "bytes([opcode,", "framing-text"),
    Mutant("masks its frames", "return head + extended + payload",
           "return bytes([head[0], head[1] | 0x80]) + extended + bytes(4) + payload",
           "framing-text"),
    Mutant("writes 125 in 16 bits", "size if size <= 125 else 126 if",
           "size if size <= 124 else 126 if", "length-text-125"),
    Mutant("writes 65,535 in 64 bits",
           "126 if size < 2**16 else 127])\n    extended = b\"\" if size <= 125 else "
           "size.to_bytes(2 if size < 2**16 else 8",
           "126 if size < 2**16 - 1 else 127])\n    extended = b\"\" if size <= 125 else "
           "size.to_bytes(2 if size < 2**16 - 1 else 8", "length-text-65535"),
    Mutant("writes the length little-endian", 'else size.to_bytes(2 if size < 2**16 else 8, "big")',
           'else size.to_bytes(2 if size < 2**16 else 8, "little")', "length-text-126"),
    # Messages.
    Mutant("answers no ping", "await send(PONG, payload)", "pass", "control-ping-text"),
    Mutant("answers a ping without its payload", "await send(PONG, payload)",
           'await send(PONG, b"")', "control-ping-text"),
    Mutant("answers a ping with a ping", "await send(PONG, payload)", "await send(PING, payload)",
           "control-ping-text"),
    Mutant("answers a pong, too", "if opcode == PING:", "if opcode in (PING, PONG):",
           "control-pong-text"),
    Mutant("answers only the first half of a ping", "await send(PONG, payload)",
           "await send(PONG, payload[:100])", "control-ping-125"),
    Mutant("forgets a message when a ping comes",
           "if opcode in (PING, PONG):\n            continue",
           "if opcode in (PING, PONG):\n            parts = []\n            continue",
           "fragments-ping-between"),
    Mutant("hands over each fragment", "if fin:\n            yield", "if True:\n            yield",
           "fragments-two"),
    Mutant("joins only two fragments", "parts.append(utf8",
           "parts[1:] = []\n        parts.append(utf8",
           "fragments-three"),
    Mutant("echoes everything as text", "(BINARY, message)", "(TEXT, message)", "framing-binary"),
    Mutant("hands over binary messages as text", "is_text, utf8 = opcode == TEXT,",
           "is_text, utf8 = True,", "text-binary-is-not-text"),
    Mutant("replaces what is not UTF-8", 'codecs.getincrementaldecoder("utf-8")()',
           'codecs.getincrementaldecoder("utf-8")("replace")', "text-bad-ff"),
    Mutant("takes surrogates", 'codecs.getincrementaldecoder("utf-8")()',
           'codecs.getincrementaldecoder("utf-8")("surrogatepass")', "text-bad-first-surrogate"),
    Mutant("checks each fragment of text", "utf8.decode(payload, fin)", "payload.decode()",
           "text-cut-in-a-character"),
    Mutant("lets a text end in the middle of a character", "utf8.decode(payload, fin)",
           "utf8.decode(payload, False)", "text-bad-two-bytes-cut"),
    Mutant("strips the byte order mark", 'codecs.getincrementaldecoder("utf-8")()',
           'codecs.getincrementaldecoder("utf-8-sig")()', "text-byte-order-mark"),
    # The end.
    Mutant("answers no close frame", "await send(CLOSE, payload[:2])", "pass", "closing-reason"),
    Mutant("answers a close frame with another code", "await send(CLOSE, payload[:2])",
           'await send(CLOSE, (3000).to_bytes(2, "big"))', "closing-reason"),
    Mutant("answers an empty close frame with 1005", "await send(CLOSE, payload[:2])",
           'await send(CLOSE, payload[:2] or (1005).to_bytes(2, "big"))', "closing-empty"),
    Mutant("takes 1004 to 1006", "*range(1000, 1004), *range(1007, 1015)", "*range(1000, 1015)",
           "closing-code-1006"),
    Mutant("takes every code", "and not (len(payload) > 1 and usable)", "and False",
           "closing-code-999"),
    Mutant("refuses the codes from 1012 on", "*range(1007, 1015)", "*range(1007, 1012)",
           "closing-code-1012"),
    Mutant("refuses the codes of applications", "*range(3000, 5000)", "*range(3000, 4000)",
           "closing-code-4000"),
    Mutant("takes 5000", "*range(3000, 5000)", "*range(3000, 5001)", "closing-code-5000"),
    Mutant("takes half a code", "not (len(payload) > 1 and usable)",
           "not (len(payload) == 1 or usable)", "closing-one-byte"),
    Mutant("takes any bytes for a reason", "    payload[2:].decode()\n", "",
           "closing-reason-not-utf8"),
    Mutant("keeps TCP open",
           "asyncio.timeout(1):\n                writer.write_eof()",
           "asyncio.timeout(9):\n                pass", "framing-text"),
    Mutant("goes on after its close frame",
           "            await close(payload, send)\n            return",
           "            await close(payload, send)\n            continue", "closing-then-text"),
    # What is illegal.
    Mutant("reads frames that are not masked", "(not head.masked, 1002", "(False, 1002",
           "framing-unmasked-text"),
    Mutant("takes RSV bits", "head.rsv or not known", "not known", "framing-rsv2-on-text"),
    Mutant("looks at RSV1 only", "(head.rsv or", "(head.rsv & 0b100 or", "framing-rsv3-on-binary"),
    Mutant("takes reserved opcodes", "head.rsv or not known", "head.rsv", "framing-opcode-12"),
    Mutant("takes control frames in fragments", "(not head.fin or head.length > 125)",
           "head.length > 125", "control-ping-in-fragments"),
    Mutant("takes long control frames", "(not head.fin or head.length > 125)", "not head.fin",
           "control-ping-126"),
    Mutant("takes control frames of 126 bytes", "head.length > 125)", "head.length > 126)",
           "control-pong-126"),
    Mutant("takes stray continuations", "not control and starts == unfinished",
           "not control and starts and unfinished", "fragments-stray-middle"),
    Mutant("lets messages mix", "not control and starts == unfinished",
           "not control and not starts and not unfinished", "fragments-text-in-text"),
    Mutant("lets a ping end a message", "unfinished if head.opcode > CLOSE else not head.fin",
           "not head.fin", "fragments-ping-between"),
    Mutant("fails without a close frame",
           'await send(CLOSE, code.to_bytes(2, "big") + why.encode())', "pass",
           "framing-opcode-3"),
    Mutant("says 1000 for every fault", 'code.to_bytes(2, "big") + why',
           "(1000).to_bytes(2, 'big') + why",
           "framing-opcode-3"),
    Mutant("says 1003 where text is not UTF-8", '(1007, "text is UTF-8")',
           '(1003, "text is UTF-8")',
           "text-bad-ff"),
]  # fmt: skip


def test_there_are_at_least_sixty():
    assert len(MUTANTS) >= 60
    assert len({one.what for one in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_planted_fault_is_found_by_the_case_for_its_rule(mutant):
    peer = mutant.of(SOURCE)

    async def serve(connection):
        await peer.connection(connection.reader, connection.writer, peer.echo)

    with RawServer(serve, name="mutant", reads_head=False) as server:
        report = check_server(server.url, cases_for("server", mutant.case), patience=1.0)
    assert report.verdicts[0].word in ("fail", "unusual")
