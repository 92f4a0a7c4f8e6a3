"""The base of every live view: a widget in the kernel with pages at the other end.

A page (one place on one screen where the widget is shown) says `hello` when it opens and `bye` when
it closes. What a page asks is queued and answered on the pump's thread, together with the news, in
at most 20 messages a second. So views need no locks of their own, and work the same whether
JupyterLab runs widget callbacks on the main thread or on a subshell's.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from typing import Any

import anywidget
from comm import get_comm_manager
from ipywidgets.widgets.widget import _instances

from .pump import Pump, pump
from .saved import Saved
from .subshell import handle_on_subshell


class LiveView(Saved, anywidget.AnyWidget):
    """Base of the live views. A subclass says what is new in `news`, and answers in `ask`."""

    problem: str | None
    """What went wrong in this view, in one line; None as long as nothing did."""

    def __init__(self, *, served_by: Pump = pump, **traits: Any) -> None:
        # Before `super().__init__`: news may come while the view is still being constructed.
        self.problem = None
        self._pump = served_by
        self._questions: deque[dict[str, Any]] = deque()
        self._pages: set[str] = set()
        self._displayed = False  # and no page has said bye since
        self._was_displayed = False
        self._resting = False
        self._replaced = 0
        self._flush_lock = threading.RLock()  # held by the pump's thread or, at rest, by any other
        super().__init__(**traits)
        self.on_msg(lambda _widget, content, buffers: self._page_says(content, buffers))
        handle_on_subshell(self)
        self._pump.add(self)

    # -- for subclasses --------------------------------------------------------------------------

    def news(self, content: dict[str, Any], buffers: list[bytes]) -> float | None:
        """Put what is new into `content` (JSON) and `buffers`; if both stay empty, nothing is sent.

        Returns what `flush` must return to the pump.
        """
        raise NotImplementedError

    def ask(self, question: dict[str, Any]) -> None:
        """Handle a page's question: `question["do"]` says what, `question["buffers"]` holds bytes.

        Called just before `news`, on the same thread.
        """
        raise NotImplementedError

    def tell(self, *_: Any) -> None:
        """Say that there is news, so that `news` is called soon. Quick, and safe on any thread."""
        if self._resting:
            self._serve_itself()
        else:
            self._pump.notify(self)

    def unsubscribe(self) -> None:
        """End this view's subscriptions, if it has any. May be called twice."""

    def forget(self) -> None:
        """Let go of what was shown, such as a recording: the view is closed, and nobody will ask.
        Python's own `Out` may hold the view itself as long as the kernel runs."""
        self.__dict__.pop("ask", None)  # a lab may have put its own there

    # -- for the pump ----------------------------------------------------------------------------

    def flush(self) -> float | None:
        with self._flush_lock:
            return self._flush()

    def _flush(self) -> float | None:
        content: dict[str, Any] = {}
        while self._questions:
            question = self._questions.popleft()
            match question.get("do"):
                case "hello":
                    self._pages.add(str(question.get("page")))
                    if self.problem is not None:
                        content["failed"] = self.problem
                case "bye":
                    self._pages.discard(str(question.get("page")))
                    self._displayed = False
                    self._end_unseen()
                    continue
                case "picture":
                    # For the page that asked, which stores it in its notebook (static/picture.js).
                    content["picture"] = {
                        "page": str(question.get("page")),
                        "model": self.model_id,
                        "data": self.static(),
                    }
                    continue
            self.ask(question)
        if not (self._pages or self._displayed):
            return None  # no page is open: the news can wait
        buffers: list[bytes] = []
        again = self.news(content, buffers)
        if content:
            self._post(content, buffers)
        return again

    def fail(self, error: Exception) -> None:
        self.problem = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        try:
            self._post({"failed": self.problem}, [])
        except Exception:  # perhaps the connection to the page is broken; `problem` says why
            return

    # -- for the notebook ------------------------------------------------------------------------

    def rest(self) -> None:
        """Show the last news and need no thread from now on, because no more news will come.

        The view stays in the page and still answers clicks. May be called twice.
        """
        self.unsubscribe()
        self._pump.remove(self)
        self._resting = True
        self._serve_itself()
        if self.comm is not None and not (self._pages or self._displayed):
            # Shown nowhere: from now on only who has it in a variable holds it, and its recording.
            _instances.pop(self.comm.comm_id, None)
            get_comm_manager().comms.pop(self.comm.comm_id, None)

    def _hold(self) -> None:
        """Have ipywidgets and the kernel hold it again, as they hold every new widget."""
        if self.comm is not None:
            _instances[self.comm.comm_id] = self
            get_comm_manager().comms[self.comm.comm_id] = self.comm

    def replaced(self) -> None:
        """Another lab has come in the place of this resting view's. It ends when the page has
        replaced it as well, that is when the last page that shows it has said bye."""
        self._replaced += 1
        self._end_unseen()

    def _end_unseen(self) -> None:
        # No page ever said hello where a notebook runs without one: the second lab ends it then.
        if self._was_displayed and self._replaced > self._displayed and not self._pages:
            self.close()
            self.forget()

    def close(self) -> None:
        """Remove the view from the page. May be called twice."""
        self.unsubscribe()
        self._pump.remove(self)
        self._resting = False
        self._hold()
        super().close()

    def __del__(self) -> None:
        # ipywidgets closes a widget here, which takes locks. Garbage is collected on any thread at
        # any time, so that could deadlock. The pump does not hold a view that is garbage any more,
        # and nothing is left to close.
        return

    def _serve_itself(self) -> None:
        with self._flush_lock:
            try:
                while self.flush() == 0:
                    pass
            except Exception as error:
                self.fail(error)

    def _repr_mimebundle_(self, **kwargs: Any) -> Any:
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None:
            # It counts as shown before the page says hello, which may be impossible in a cell.
            self._displayed = self._was_displayed = True
            self._hold()
            self.tell()
        return bundle

    # -- the wire to the page --------------------------------------------------------------------

    def _page_says(self, content: Any, buffers: Sequence[bytes | memoryview] = ()) -> None:
        if isinstance(content, dict):
            self._questions.append({**content, "buffers": buffers} if buffers else content)
            self.tell()

    def _post(self, content: dict[str, Any], buffers: list[bytes]) -> None:
        self.send(content, buffers)
