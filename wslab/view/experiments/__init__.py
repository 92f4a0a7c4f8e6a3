"""Views for trying, predicting and comparing: galleries, questions, the frame workshop, charts."""

from .chart import Chart
from .frame_workshop import FrameWorkshop
from .gallery import Choice, Column, Experiment, Gallery, Line, Mark, Number, Outcome, Words
from .picture import Picture
from .predictions import Asked, Prediction, Predictions, PredictionsView
from .question_view import Question, QuestionView
from .result_table import Bar, Cell, Link, ResultTable
from .round_trips import RoundTrips

__all__ = [
    "Asked",
    "Bar",
    "Cell",
    "Chart",
    "Choice",
    "Column",
    "Experiment",
    "FrameWorkshop",
    "Gallery",
    "Line",
    "Link",
    "Mark",
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
    "Words",
]
