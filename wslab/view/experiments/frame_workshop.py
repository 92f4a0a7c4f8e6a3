"""The frame workshop: set every bit of a frame, send it to a real peer, and read its reaction."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, Protocol

from wslab.wire import Capture, Direction, Unit, new_masking_key, rfc_url
from wslab.wire.protocol import FrameDraft, flip_bit

from ..live.assets import script, style
from ..live.jobs import Jobs
from ..live.live_view import LiveView
from ..live.saved import account
from ..live.typed import typed_bytes, typed_length

LONGEST = 70_000
"""The most bytes of payload: enough for all three forms of length."""

SHOWN = 64
"""The most bytes that the page shows bit by bit."""

KEPT = 20
"""How many reactions are kept."""


class Reaction(Protocol):
    @property
    def answer(self) -> bytes: ...
    @property
    def said(self) -> tuple[str, ...]: ...
    @property
    def ended(self) -> bool: ...
    @property
    def waits(self) -> str: ...


Sender = Callable[[bytes], Reaction]


class FrameWorkshop(LiveView):
    """Controls for FIN, RSV1-3, opcode, MASK, key, length and payload, and the bytes that result.

    `senders`: the functions that send bytes as "client" (to a real server) or as "server" (to a
    real client) and return the reaction. `recipes` are drafts to start from.
    """

    _esm = script("experiments/frame_workshop.js")
    _css = style("experiments/frame_workshop.css")

    def __init__(
        self,
        senders: Mapping[Direction, Sender],
        *,
        recipes: Mapping[str, tuple[Direction, FrameDraft]] | None = None,
        take: Callable[[int], Unit] | None = None,
        **traits: Any,
    ) -> None:
        self.senders = dict(senders)
        self.recipes = dict(recipes or {})
        self.sender: Direction = next(iter(self.senders))
        self.draft = FrameDraft(payload=b"Hello", masking_key=new_masking_key())
        self.reactions: deque[dict[str, Any]] = deque(maxlen=KEPT)
        """The reactions to the frames that were sent, oldest first."""
        self._take = take
        self._jobs = Jobs()
        self._problem = ""
        self._sending = False
        self._count = 0
        self._stale = True
        super().__init__(**traits)

    # -- asked by a page -------------------------------------------------------------------------

    def ask(self, question: dict[str, Any]) -> None:
        self._stale = True
        if question.get("do") != "hello":
            self._problem = ""
        try:
            self._change(question)
        except (ValueError, LookupError) as error:
            # The draft stays as it was, and the field keeps what was typed.
            self._problem = str(error.args[0] if error.args else error)

    def _change(self, question: dict[str, Any]) -> None:
        match question:
            case {"do": "set", "name": str(name), "value": value}:
                self.draft = _changed(self.draft, name, value)
            case {"do": "flip", "bit": int(bit)}:
                self.draft = FrameDraft.from_bytes(flip_bit(self.draft.to_bytes(), bit))
            case {"do": "key"}:
                self.draft = replace(self.draft, masking_key=new_masking_key())
            case {"do": "sender", "who": ("client" | "server") as who} if who in self.senders:
                self.sender = who
                key = (self.draft.masking_key or new_masking_key()) if who == "client" else None
                self.draft = replace(self.draft, masking_key=key)
            case {"do": "recipe", "name": str(name)} if name in self.recipes:
                self.sender, self.draft = self.recipes[name]
            case {"do": "take", "number": int(number)} if self._take is not None:
                self.take(self._take(number))
            case {"do": "send"} if not self._sending:
                self._sending = True
                data, who = self.draft.to_bytes(), self.sender
                self._jobs.run("send", lambda: self._send_frame(who, data), self._was_sent)

    def take(self, unit: Unit) -> None:
        """Put a captured frame on the bench. Raises ValueError for a request or response."""
        if unit.opcode is None:
            raise ValueError(
                f"row {unit.number} is a {unit.kind}, and no frame: choose another row"
            )
        self.sender, self.draft = unit.direction, FrameDraft.from_bytes(unit.data)
        self._stale = True
        self.tell()

    def send_now(self) -> dict[str, Any]:
        """Send the frame on the bench, from code, and wait for the reaction."""
        return self._send_frame(self.sender, self.draft.to_bytes())

    def _send_frame(self, who: Direction, data: bytes) -> dict[str, Any]:
        reaction = self.senders[who](data)
        self._count += 1
        told = {
            "number": self._count,
            "who": who,
            "sent": _hex(data),
            "answers": _answers(reaction.answer, "server" if who == "client" else "client"),
            "said": list(reaction.said),
            "ended": reaction.ended,
            "waits": reaction.waits,
        }
        self.reactions.append(told)
        self._stale = True
        self.tell()
        return told

    def _was_sent(self, _: object, error: BaseException | None) -> None:
        self._sending = False
        if error is not None:
            self._problem = str(error)
        self._stale = True
        self.tell()

    # -- told to the pages -----------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        if not self._stale:
            return None
        self._stale = False
        draft, data = self.draft, self.draft.to_bytes()
        content["frame"] = {
            "sender": self.sender,
            "senders": list(self.senders),
            "recipes": list(self.recipes),
            "takes": self._take is not None,
            "fin": draft.fin,
            "rsv1": draft.rsv1,
            "rsv2": draft.rsv2,
            "rsv3": draft.rsv3,
            "opcode": draft.opcode,
            "key": draft.masking_key.hex() if draft.masking_key is not None else None,
            "length_form": draft.length_form,
            "announced_length": None
            if draft.announced_length is None
            else str(draft.announced_length),  # as text: it may be more than a double can hold
            "text": _text(draft.payload),
            "hex": draft.payload[:LONGEST].hex(" ") if len(draft.payload) <= 4096 else None,
            "size": len(draft.payload),
            "bytes": data[:SHOWN].hex(),
            "total": len(data),
            "fields": [
                {**field._asdict(), "url": rfc_url(field.rfc)} | {"value": _short(field.value)}
                for field in draft.fields(self.sender)
            ],
            "violations": [
                {"text": rule.text, "rfc": rule.rfc, "url": rfc_url(rule.rfc)}
                for rule in draft.violations(self.sender)
            ],
            "problem": self._problem or None,
            "sending": self._sending,
        }
        content["reactions"] = list(self.reactions)
        return None

    def static(self) -> dict[str, str]:
        data = self.draft.to_bytes()
        said = f"frame workshop: {_hex(data)}"
        lines = []
        for told in self.reactions:
            back = ", ".join(f"{one['kind']} {one['preview']}" for one in told["answers"])
            ended = "; the TCP connection ended" if told["ended"] else ""
            lines.append(
                f"the {told['who']} sent {told['sent']}; on the wire, back: {back or 'nothing'}"
                f"{ended}; its API said: {', '.join(told['said']) or 'nothing'}"
            )
        remark = "The workshop itself needs a running notebook: run this cell again."
        return account("frame-workshop", said, remark, lines)


def _changed(draft: FrameDraft, name: str, value: Any) -> FrameDraft:
    """The draft with one value set to what was chosen or typed. Raises ValueError."""
    match name, value:
        case (("fin" | "rsv1" | "rsv2" | "rsv3"), bool()):
            flag: dict[str, Any] = {name: value}
            changed = replace(draft, **flag)
        case "opcode", int():
            changed = replace(draft, opcode=value)
        case "masked", bool():
            changed = replace(draft, masking_key=new_masking_key() if value else None)
        case "key", str():
            changed = replace(draft, masking_key=typed_bytes(value, "masking key"))
        case "length_form", (7 | 16 | 64 | None):
            changed = replace(draft, length_form=value)
        case "announced_length", str():
            changed = replace(draft, announced_length=typed_length(value))
        case "text", str():
            changed = replace(draft, payload=_utf8(value))
        case "hex", str():
            changed = replace(draft, payload=typed_bytes(value, "payload"))
        case _:
            raise ValueError(f"expected something that a frame has, got {name} = {value!r}")
    if len(changed.payload) > LONGEST:
        raise ValueError(
            f"expected a payload of at most {LONGEST:,} bytes here, got {len(changed.payload):,}; "
            "for longer ones: encode_frame(...) in a cell"
        )
    changed.to_bytes()  # raises for values that no header can hold
    return changed


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise ValueError(
            f"expected text that UTF-8 can write, got a lone surrogate at character {error.start} "
            "(RFC 6455 §8.1)"
        ) from None


def _text(payload: bytes) -> str | None:
    """The payload as text for its field; None if a field could not give back the same bytes."""
    if len(payload) > LONGEST:
        return None
    try:
        text = payload.decode()
    except UnicodeDecodeError:
        return None
    return None if "\r" in text or "\0" in text else text


def _short(value: int | str | None) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _hex(data: bytes) -> str:
    return data[:32].hex(" ") + (f" … ({len(data):,} bytes)" if len(data) > 32 else "")


def _answers(data: bytes, direction: Literal["client", "server"]) -> list[dict[str, str]]:
    """The kinds and previews of the frames that came back."""
    capture = Capture()
    connection = capture.open_connection(upgraded=True)
    capture.record(connection, direction, data)
    index = capture.index
    rows = [{"kind": row.kind, "preview": row.preview} for row in index.rows()]
    rest = index.incomplete(connection, direction)
    if rest:
        rows.append({"kind": "incomplete", "preview": f"{rest} bytes of no whole frame"})
    return rows
