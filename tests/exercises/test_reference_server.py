"""The reference server keeps every rule that the conformance suite knows, in 200 lines."""

from __future__ import annotations

import ast
import inspect

from wslab.conformance import GROUPS, check_server
from wslab.exercises import reference_server
from wslab.net import RawServer


def test_it_passes_the_whole_suite():
    async def serve(connection):
        await reference_server.connection(
            connection.reader, connection.writer, reference_server.echo
        )

    with RawServer(serve, name="reference", reads_head=False) as server:
        report = check_server(server.url)
        assert list(server.log) == []
    assert [report.line(one) for one in report.verdicts if one.word in ("fail", "unusual")] == []
    skipped = {one.case.name for one in report.verdicts if one.word == "skipped"}
    # It never agrees on permessage-deflate.
    assert skipped == {f"deflate-{case.name}" for case in GROUPS["deflate"]}


def test_it_is_short_and_uses_the_standard_library_alone():
    source = inspect.getsource(reference_server)
    assert len(source.splitlines()) <= 200
    found = [
        one for one in ast.walk(ast.parse(source)) if isinstance(one, ast.Import | ast.ImportFrom)
    ]
    names = {alias.name for one in found if isinstance(one, ast.Import) for alias in one.names}
    names |= {one.module for one in found if isinstance(one, ast.ImportFrom)}
    assert names == {"asyncio", "base64", "codecs", "contextlib", "hashlib", "typing"}
