"""Views for trying, predicting and comparing: galleries, boards, questions, the frame workshop,
charts."""

from .board import (
    Board,
    BoardColumn,
    BoardRow,
    CellOutcome,
    Compared,
    Note,
    Verdict,
)
from .chart import Chart
from .columns import Column, Line, Mark
from .frame_workshop import FrameWorkshop
from .gallery import Choice, Experiment, Gallery, Number, Outcome, Words
from .page_runs import InPage
from .picture import Picture
from .predictions import Asked, Prediction, Predictions, PredictionsView
from .question_view import Question, QuestionView
from .result_table import Bar, Cell, Link, ResultTable
from .round_trips import RoundTrips

__all__ = [
    "Asked",
    "Bar",
    "Board",
    "BoardColumn",
    "BoardRow",
    "Cell",
    "CellOutcome",
    "Chart",
    "Choice",
    "Column",
    "Compared",
    "Experiment",
    "FrameWorkshop",
    "Gallery",
    "InPage",
    "Line",
    "Link",
    "Mark",
    "Note",
    "Number",
    "Outcome",
    "Picture",
    "Prediction",
    "Predictions",
    "PredictionsView",
    "Question",
    "QuestionView",
    "ResultTable",
    "RoundTrips",
    "Verdict",
    "Words",
]
