"""Faults planted into a correct client, one at a time: each is found by the case for its rule."""

from __future__ import annotations

import asyncio
import types
from pathlib import Path

import pytest

from wslab.conformance import CaseServer, cases_for
from wslab.net import run_on_loop

from .mutants import Mutant, made

SOURCE = (Path(__file__).parent / "reference_client.py").read_text("utf-8")


UNCHECKED = "        pass"

MUTANTS = [
    Mutant("takes any status for a yes", 'if words[1] != "101":', 'if words[1] == "410":',
           "response-status-200"),
    Mutant("takes any version of HTTP", 'or words[0] != "HTTP/1.1"', "", "response-http-1.0"),
    Mutant("does not look at Upgrade",
           'if [one.lower() for one in fields.get("upgrade", [])] != ["websocket"]:', "if False:",
           "response-wrong-upgrade"),
    Mutant("wants Upgrade in lower case", "[one.lower() for one in fields.get(\"upgrade\", [])]",
           'fields.get("upgrade", [])', "response-upgrade-in-capitals"),
    Mutant("does not look at Connection", 'if "upgrade" not in tokens:', "if False:",
           "response-wrong-connection-header"),
    Mutant("wants Connection to be one word", 'if "upgrade" not in tokens:',
           'if tokens != ["upgrade"]:', "response-connection-with-keep-alive"),
    Mutant("does not look at the accept",
           'if fields.get("sec-websocket-accept") != [accept]:', "if False:",
           "response-wrong-accept"),
    Mutant("compares the accept in lower case",
           'if fields.get("sec-websocket-accept") != [accept]:',
           'if [one.lower() for one in fields.get("sec-websocket-accept", [])] '
           "!= [accept.lower()]:", "response-accept-in-lower-case"),
    Mutant("takes a missing accept",
           'if fields.get("sec-websocket-accept") != [accept]:',
           'if fields.get("sec-websocket-accept", [accept]) != [accept]:',
           "response-missing-accept"),
    Mutant("takes extensions that it did not offer",
           'if "sec-websocket-extensions" in fields:', "if False:",
           "response-unoffered-extension"),
    Mutant("takes a subprotocol that it did not offer",
           'if "sec-websocket-protocol" in fields:', "if False:",
           "response-unoffered-subprotocol"),
    Mutant("reads field names as they are written", "fields.setdefault(name.lower(), [])",
           "fields.setdefault(name.lower() if name[:1].isupper() else name.upper(), [])",
           "response-names-in-lower-case"),
    Mutant("takes any RSV bit", "if rsv:", "if False:", "framing-rsv1-on-text"),
    Mutant("looks at RSV1 only", "if rsv:", "if rsv & 0x40:", "framing-rsv3-on-binary"),
    Mutant("takes reserved opcodes for a pong",
           "if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):",
           "if opcode > 10 or 2 < opcode < 8:\n        opcode = PONG\n    if False:",
           "framing-opcode-3"),
    Mutant("takes reserved control opcodes for a pong",
           "if opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):",
           "if opcode > 10:\n        opcode = PONG\n    if 2 < opcode < 8:", "framing-opcode-11"),
    Mutant("reads masked frames", "if second & 0x80:\n        raise Failed(1002)",
           "if second & 0x80:\n        await reader.readexactly(4)", "framing-masked-ping"),
    Mutant("takes control frames in fragments", "if opcode >= CLOSE and not final:", "if False:",
           "control-ping-in-fragments"),
    Mutant("takes long control frames", "if opcode >= CLOSE and length > 125:", "if False:",
           "control-ping-126"),
    Mutant("reads 16 bits little-endian",
           'int.from_bytes(await reader.readexactly(2), "big")',
           'int.from_bytes(await reader.readexactly(2), "little")', "length-text-126"),
    Mutant("reads 64 bits as 32",
           'int.from_bytes(await reader.readexactly(8), "big")',
           'int.from_bytes(await reader.readexactly(4), "big")', "length-binary-65536"),
    Mutant("takes a length of 2^63 for none",
           "if length >= 2**63:\n        raise Failed(1002)",
           "if length >= 2**63:\n        length = 0", "length-first-bit-set"),
    Mutant("does not mask", "return head + key + masked",
           "return bytes([head[0], head[1] & 0x7F]) + head[2:] + payload", "framing-text"),
    Mutant("masks with the first byte of the key only", "(key * (size // 4 + 1))[:size]",
           "key[:1] * size", "framing-text"),
    Mutant("writes 126 in 7 bits", "if size < 126:", "if size <= 126:", "length-binary-126"),
    Mutant("writes 65,535 in 64 bits", "elif size < 2**16:", "elif size < 2**16 - 1:",
           "length-text-65535"),
    Mutant("takes a close frame of one byte", "if len(payload) == 1:\n        raise Failed(1002)",
           'if len(payload) == 1:\n        return b""', "closing-one-byte"),
    Mutant("takes any close code",
           "if not (1000 <= code <= 1014 or 3000 <= code <= 4999) or code in (1004, 1005, 1006):",
           "if False:", "closing-code-999"),
    Mutant("takes 1005 in a frame", "or code in (1004, 1005, 1006):", "or code in (1004, 1006):",
           "closing-code-1005"),
    Mutant("refuses codes of applications", "or 3000 <= code <= 4999)", "or 3000 <= code <= 3999)",
           "closing-code-4000"),
    Mutant("takes any bytes for a reason", "check_text(payload[2:])", UNCHECKED.strip(),
           "closing-reason-not-utf8"),
    Mutant("answers a close frame without its code", "return payload[:2]", 'return b""',
           "closing-code-1000"),
    Mutant("answers no close frame",
           "writer.write(make_frame(CLOSE, check_close(payload)))", "check_close(payload)",
           "closing-reason"),
    Mutant("does not check text", "if answer == TEXT:", "if False:", "text-bad-ff"),
    Mutant("checks each fragment of text", "parts.append(payload)",
           "parts.append(payload)\n            if kind == 1:\n                check_text(payload)",
           "text-cut-in-a-character"),
    Mutant("answers no ping", "writer.write(make_frame(PONG, payload))", UNCHECKED.strip(),
           "control-ping-text"),
    Mutant("answers a ping without its payload", "make_frame(PONG, payload)",
           'make_frame(PONG, b"")', "control-ping-text"),
    Mutant("answers a pong with a pong", "elif opcode == PONG:\n            pass",
           "elif opcode == PONG:\n            writer.write(make_frame(PONG, payload))",
           "control-pong-text"),
    Mutant("takes a continuation without a message",
           "if opcode == CONTINUATION and kind is None:\n                raise Failed(1002)",
           "if opcode == CONTINUATION and kind is None:\n                kind = TEXT",
           "fragments-stray-last"),
    Mutant("lets a second message begin in the middle of one",
           "if opcode != CONTINUATION and kind is not None:", "if False:",
           "fragments-text-in-text"),
    Mutant("forgets a message when a ping comes between its fragments",
           "if opcode == PING:\n", "if opcode == PING:\n            parts = []\n",
           "fragments-ping-between"),
    Mutant("echoes each fragment as a message", "if final:", "if True:", "fragments-two"),
    Mutant("echoes everything as text", "message, answer = b\"\".join(parts), kind",
           'message, answer = b"".join(parts), TEXT', "framing-binary"),
    Mutant("goes on after a fault",
           "writer.write(make_frame(CLOSE, failed.code.to_bytes(2, \"big\")))",
           "await echo(reader, writer)", "framing-rsv1-on-text"),
    Mutant("sends the wrong code for bad text", "raise Failed(1007) from None",
           "raise Failed(1000) from None", "text-bad-ff"),
]  # fmt: skip


async def connect(module: types.ModuleType, server: CaseServer) -> None:
    # A mutant may end in any way, or hang.
    client = asyncio.ensure_future(module.main(server.url))
    await asyncio.to_thread(server.last.wait, 20)
    client.cancel()
    await asyncio.wait([client])


def test_there_are_at_least_thirty():
    assert len(MUTANTS) >= 30
    assert len({one.what for one in MUTANTS}) == len(MUTANTS)


@pytest.mark.parametrize("mutant", MUTANTS, ids=str)
def test_a_planted_fault_is_found_by_the_case_for_its_rule(mutant):
    with CaseServer(cases_for("client", mutant.case), patience=1.0) as server:
        run_on_loop(connect(mutant.of(SOURCE), server), 30)
        (verdict,) = server.report().verdicts
    assert verdict.word in ("fail", "unusual")


def test_the_correct_client_passes_all():
    with CaseServer() as server:
        run_on_loop(made(SOURCE).main(server.url), 60)
        report = server.report()
    assert [report.line(v) for v in report.verdicts if v.word in ("fail", "unusual")] == []
