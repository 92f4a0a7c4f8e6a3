"""The conformance suite: what WebSocket's RFCs ask of a server or a client, tried byte by byte.

report = check_server("ws://127.0.0.1:9000")      # an echo server
print(report)
with CaseServer() as server: ...                  # for a client under test, which echoes too
"""

from wslab.conformance.cases import CASES, GROUPS
from wslab.conformance.report import Report
from wslab.conformance.suite import CaseServer, cases_for, check_server
from wslab.conformance.verdict import Verdict

__all__ = ["CASES", "GROUPS", "CaseServer", "Report", "Verdict", "cases_for", "check_server"]
