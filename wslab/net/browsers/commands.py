"""Speaks to a browser in JSON: commands with their answers, and events as they come.

CDP, which Chrome's DevTools speak, and WebDriver BiDi, the W3C's protocol, have the same form: a
command is `{"id": 1, "method": …, "params": …}`, its answer has the same `id` and a `result` or an
`error`, and an event has a `method` and no `id`.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from wslab.net.errors import NotRunning, TimedOut, WslabError

PATIENCE = 20.0
"""Seconds that a browser has for a command, and that an event may take, on a slow machine."""

EVENTS_KEPT = 10_000
"""How many events are kept; more than that is a page that an experiment should not open."""


class CommandFailed(WslabError):
    """The browser refused a command; the message has the browser's own words."""


class BrowserEvent(NamedTuple):
    """What a browser told without being asked."""

    method: str
    """Its name, such as `Network.webSocketFrameSent`."""
    params: dict[str, Any]
    session: str
    """The page that it is about, by CDP's `sessionId`; "" for the browser itself."""


class Commands:
    """A conversation with a browser. `send` sends a text, and `messages` yields those that come.

    A thread reads them. Functions may be called on any thread; each waits at most `PATIENCE`
    seconds, and raises `TimedOut` then, or `NotRunning` as soon as the browser has ended.
    """

    def __init__(self, send: Callable[[str], None], messages: Iterable[str]) -> None:
        self.events: list[BrowserEvent] = []
        """What came so far, oldest first."""
        self._send = send
        self._messages = messages
        self._ids = itertools.count(1)
        self._answers: dict[int, dict[str, Any]] = {}
        self._over = False
        self._news = threading.Condition()
        self._sending = threading.Lock()
        self._reader = threading.Thread(target=self._read, name="wslab-browser", daemon=True)
        self._reader.start()

    @property
    def over(self) -> bool:
        """Whether the browser has ended the conversation."""
        return self._over

    def join(self) -> None:
        """Wait until the conversation is over, at most `PATIENCE` seconds."""
        self._reader.join(PATIENCE)

    def command(self, method: str, session: str = "", /, **params: Any) -> dict[str, Any]:
        """Send a command, and wait for its result. Raises `CommandFailed`."""
        number = next(self._ids)
        words = {"id": number, "method": method, "params": params}
        try:
            with self._sending:
                self._send(json.dumps(words | ({"sessionId": session} if session else {})))
        except (OSError, ValueError) as error:  # ValueError: the pipe is closed already
            raise NotRunning(f"the browser has ended: it takes no {method} any more") from error
        self._wait(lambda: number in self._answers, f"an answer to {method}")
        answer = self._answers.pop(number)
        if "error" in answer:
            why = answer["error"]  # BiDi has the message beside it, CDP in it
            said = why["message"] if isinstance(why, dict) else f"{why}: {answer['message']}"
            raise CommandFailed(f"the browser refused {method}: {said}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(
        self, method: str, session: str | None = None, *, after: int = 0, **params: Any
    ) -> BrowserEvent:
        """Wait for an event with this name and these parameters; it may have come already.

        Events before number `after` do not count; `session` None takes those of any page.
        """

        def found() -> BrowserEvent | None:
            for event in self.events[after:]:
                if (
                    event.method == method
                    and session in (None, event.session)
                    and params.items() <= event.params.items()
                ):
                    return event
            return None

        self._wait(lambda: found() is not None, f"the event {method}")
        event = found()
        assert event is not None
        return event

    def _wait(self, condition: Callable[[], bool], what: str) -> None:
        with self._news:
            came = self._news.wait_for(lambda: condition() or self._over, PATIENCE)
            if condition():
                return
        if came:
            raise NotRunning(f"expected {what}, but the browser has ended: start it again")
        raise TimedOut(f"expected {what} from the browser within {PATIENCE:g} s; it did not come")

    def _read(self) -> None:
        try:
            for text in self._messages:
                message = json.loads(text)
                with self._news:
                    if "id" in message:
                        self._answers[message["id"]] = message
                    elif len(self.events) < EVENTS_KEPT:
                        name, params = message["method"], message.get("params", {})
                        session = message.get("sessionId", "")
                        self.events.append(BrowserEvent(name, params, session))
                    self._news.notify_all()
        except (OSError, ValueError):
            pass  # the pipe was closed, in the middle of a message perhaps
        finally:
            with self._news:
                self._over = True
                self._news.notify_all()
