"""Recordings: the bytes that crossed, and the units that are found in them.

Read in this order: `log` (the plain lists), `capture` (writes them), `connection` and `row_table`
(what is known of connections and units), `indexing` (finds the units), `index` (reads them),
`contents`; then what is derived from these: `search` (with `finding`), `layers`, `story`,
`state_log`, `tail` (with `window` and `slips`), `ending`.
"""

from .capture import Capture
from .content_reader import close_text
from .cutter import Cutter, SideState
from .ending import Ending, Endings, endings
from .finding import Finding
from .index import Index, Row, mark_words
from .layers import Layers, Span, layers_of
from .log import ASSUMED, CaptureError, Chunk, Event, Log, MarkName
from .messages import Message
from .page_sockets import PageSocket, name_page_sockets
from .preview import printable
from .search import Hit, Search, on_the_wire, quotation
from .state_log import BROWSER, CausalStateLog, StateLog
from .story import Step, states_of, steps
from .tail import Explanation, explanations

__all__ = [
    "ASSUMED",
    "BROWSER",
    "Capture",
    "CaptureError",
    "CausalStateLog",
    "Chunk",
    "Cutter",
    "Ending",
    "Endings",
    "Event",
    "Explanation",
    "Finding",
    "Hit",
    "Index",
    "Layers",
    "Log",
    "MarkName",
    "Message",
    "PageSocket",
    "Row",
    "Search",
    "SideState",
    "Span",
    "StateLog",
    "Step",
    "close_text",
    "endings",
    "explanations",
    "layers_of",
    "mark_words",
    "name_page_sockets",
    "on_the_wire",
    "printable",
    "quotation",
    "states_of",
    "steps",
]
