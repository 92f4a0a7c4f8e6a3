"""Write a small lesson that passes every test at once, to be rewritten into the one that you mean.

    make lesson TOPIC=reconnecting NUMBER=20

TOPIC becomes the name of its modules, NUMBER its place in the course. Writes the notebook, the lab,
the exercise and the tests, and a line each in README, CHANGELOG and the first notebook's table.
Nothing is ever overwritten.
"""

from __future__ import annotations

import argparse
import keyword
import re
import sys
from collections.abc import Callable
from pathlib import Path
from string import Template

import nbformat
import strip_notebooks

LAB = '''\
"""The $words lesson: what a message costs on the wire."""

from __future__ import annotations

from wslab.exercises.$topic import QUESTIONS
from wslab.labs.lesson import Lesson
from wslab.view.experiments import ResultTable


class $Class(Lesson):
    """The lab of the $words lesson."""

    questions = QUESTIONS

    def measure(self, *messages: str) -> ResultTable:
        """Send each message, and tell how long it is: in characters, and on the wire."""
        rows = []
        with self.connect(name="measure") as client:
            for message in messages:
                client.send(message)
                client.recv()
                sent = self.find("text", "client")
                rows.append([message, f"{len(message)}", f"{len(sent.data)}"])
        return ResultTable(["message", "characters", "bytes on the wire"], rows)


open = $Class  # again: it replaces the one before
'''

EXERCISE = '''\
"""The exercises of the $words lesson: a question, and a function to write."""

from __future__ import annotations

from wslab.exercises.exercise import Exercise, Solutions
from wslab.exercises.question import Question
from wslab.wire import encode_frame

QUESTIONS = {
    "letters": Question(
        "Hello and Grüße have five letters each. Which of them is longer on the wire?",
        ("Hello", "Grüße", "Neither"),
        1,
        (
            "Its letters take one byte each, and that is the least.",
            "In UTF-8 ü and ß take two bytes each.",
            "The wire carries bytes, not letters.",
        ),
        "RFC 6455 §5.6",
    ),
}
"""By name; `lab.ask(name)` shows one."""

check_size = Exercise(
    "size",
    "Whether `size(text)` gives the bytes that a client's frame of a short text takes.",
    cases=[("",), ("Hello",), ("Grüße",)],
    expected=lambda text: len(encode_frame(1, text.encode(), masking_key=bytes(4))),
    mistakes={
        "These are characters: in UTF-8 one takes 1 to 4 bytes.": lambda text: 6 + len(text),
        "A client's frame has the masking key as well, 4 bytes.": lambda text: (
            2 + len(text.encode())
        ),
    },
    hints=(
        "three parts: two bytes, the masking key, the text in UTF-8.",
        "text.encode() gives the bytes, and len(...) counts them.",
    ),
    rfc="RFC 6455 §5.2",
    praise="whatever the letters are.",
    solution="""\\
def size(text):
    return 2 + 4 + len(text.encode())
""",
)


SOLUTIONS = Solutions(check_size)

solution = SOLUTIONS.show
'''

LAB_TEST = '''\
"""The lab of the $words lesson, on real sockets."""

from __future__ import annotations


def test_letters_cost_as_many_bytes_as_utf8_takes(lab):
    rows = lab.measure("Hello", "Grüße").rows
    assert [row[1:] for row in rows] == [["5", "11"], ["5", "13"]]
'''

BROWSER_TEST = '''\
"""The $words lesson in a real JupyterLab."""

from __future__ import annotations

from playwright.sync_api import expect


def test_the_lesson_from_top_to_bottom(lab_page):
    notebook = lab_page.open_notebook("$file")
    last = notebook.page.locator(".jp-Notebook .jp-Cell").count() - 1
    for number in range(last):
        if notebook.is_code(number):
            notebook.run_cell(number)
    expect(notebook.page.locator('[data-wslab="result"]')).to_contain_text("Grüße")
    expect(notebook.page.locator('[data-wslab="verdict"]')).to_contain_text("Not yet")
    notebook.screenshot("$topic")
    notebook.execute("lab.close()")
    assert notebook.errors == []
'''

CELLS = {
    "title": """\
# $number · $title

**Questions.** What does a message cost on the wire?

**Afterwards you can**

1. say how many bytes a message takes, and why.

**You need** a little Python. Nothing from another lesson. **15 minutes.**""",
    "start-text": """\
## 1 · On the wire

Start the lab: a server that sends everything back, and the wire before it.""",
    "open": """\
from wslab.exercises.$topic import check_size, solution
from wslab.labs import $topic

lab = $topic.open()
lab.wire()""",
    "ask-text": "**Commit to an answer:**",
    "ask": 'lab.ask("letters")',
    "measure-text": "And now measure it:",
    "measure": 'lab.measure("Hello", "Grüße")',
    "size-text": """\
### Exercise

Write `size(text)`: the bytes that a client's frame of a short text takes
([RFC 6455 §5.2](https://www.rfc-editor.org/rfc/rfc6455.html#section-5.2)).
`solution("size")` shows one way.""",
    "exercise-size": """\
def size(text):
    return ...


check_size(size)""",
    "predictions-text": """\
## Your predictions

What you answered in this lesson before you saw the reply, and what to read again. The first
answer counts; it is kept as long as the kernel runs.""",
    "predictions": "lab.predictions()",
    "keypoints": """\
## Key points

- A client's short message takes 2 bytes of header, 4 of masking key, and its text in UTF-8.
  *(objective 1)*

How does the lab do all this? `lab.source()` shows the code; there is no magic in it.""",
    "close": """\
# Take the # away to stop the lab; shutting the kernel down does the same.
# lab.close()""",
    "teach": """\
<details><summary><b>For teachers</b></summary>

**Timing:** 15 minutes.

**Expected answers.** `size`: 2 + 4 + the bytes of the text, not its characters.

</details>""",
}
"""By cell id."""

TEXTS = {"title", "keypoints", "teach"}
"""The cells that are text, beside those whose id ends with "-text"; the others are code."""

SUMMARY = "what a message costs on the wire, and why"
MINUTES = 15


class Refused(Exception):
    """The lesson cannot be made; the text says why, and what to do."""


def make(root: Path, topic: str, number: str) -> list[Path]:
    """Write the lesson into the checkout at `root`; gives the files that were written or changed.

    Raises Refused where the topic or the number is of no use or taken; then nothing is written.
    """
    if not re.fullmatch(r"[a-z][a-z0-9_]*", topic) or keyword.iskeyword(topic):
        raise Refused(
            f"expected TOPIC to be a name for a module, such as reconnecting; got {topic!r}"
        )
    if not re.fullmatch(r"\d\d", number):
        raise Refused(f"expected NUMBER to have two digits, such as 05; got {number!r}")
    notebooks = sorted(path.name for path in (root / "notebooks").glob("*.ipynb"))
    for name in notebooks:
        if name[:2] == number:
            raise Refused(f"the number {number} is taken by notebooks/{name}: choose another")
    words = topic.replace("_", " ")
    file = f"{number}_{topic}.ipynb"
    names = {
        "topic": topic,
        "words": words,
        "title": words.capitalize(),
        "Class": words.title().replace(" ", ""),
        "number": number,
        "file": file,
    }
    texts = {
        root / "wslab" / "labs" / f"{topic}.py": LAB,
        root / "wslab" / "exercises" / f"{topic}.py": EXERCISE,
        root / "tests" / "labs" / f"test_{topic}.py": LAB_TEST,
        root / "tests" / "browser" / f"test_{topic}.py": BROWSER_TEST,
    }
    wanted = [*texts, root / "notebooks" / file]
    taken = [path for path in wanted if path.exists()]
    taken += [root / "notebooks" / name for name in notebooks if name[3:] == f"{topic}.ipynb"]
    if taken:
        path = taken[0].relative_to(root)
        raise Refused(f"{path} is there already, and nothing is overwritten: choose another topic")

    for path, text in texts.items():
        path.write_text(Template(text).substitute(names), "utf-8", newline="\n")
    write(root / "notebooks" / file, notebook(names))
    title = f"{number} · {names['title']}"
    readme, changelog = root / "README.md", root / "CHANGELOG.md"
    row = f"| [{title}](notebooks/{file}) | {MINUTES} | {SUMMARY} |"
    edit(readme, lambda text: in_order(text, row, "| ["))
    added = "### Added\n\n"
    edit(changelog, lambda text: text.replace(added, f"{added}- The lesson {title}.\n", 1))
    first = root / "notebooks" / "00_start_here.ipynb"
    course = strip_notebooks.read(first)
    for cell in course.cells:
        if cell.id == "lessons":
            row = f"| **[{title}]({file})** | {MINUTES} | {SUMMARY} |"
            cell.source = in_order(cell.source, row, "| **[")
    write(first, course)
    return [*wanted, readme, changelog, first]


def notebook(names: dict[str, str]) -> nbformat.NotebookNode:
    """The lesson's notebook."""
    cells = []
    for identifier, template in CELLS.items():
        source = Template(template).substitute(names)
        if identifier in TEXTS or identifier.endswith("-text"):
            cells.append(nbformat.v4.new_markdown_cell(source, id=identifier))
        else:
            tags = [f"exercise:{identifier[9:]}"] if identifier.startswith("exercise-") else []
            metadata = {"tags": tags} if tags else {}
            cells.append(nbformat.v4.new_code_cell(source, id=identifier, metadata=metadata))
    return nbformat.v4.new_notebook(cells=cells)


def write(path: Path, content: nbformat.NotebookNode) -> None:
    """Write a notebook in the form in which notebooks are kept, kernel and all."""
    path.write_text(strip_notebooks.text(strip_notebooks.stripped(content)), "utf-8", newline="\n")


def edit(path: Path, change: Callable[[str], str]) -> None:
    """Change a text file."""
    path.write_text(change(path.read_text("utf-8")), "utf-8", newline="\n")


def in_order(text: str, row: str, start: str) -> str:
    """`text` with the row put into its table of lessons, whose rows begin with `start`."""
    lines = text.split("\n")
    rows = [number for number, line in enumerate(lines) if line.startswith(start)]
    behind = [number for number in rows if lines[number] < row]
    lines.insert(behind[-1] + 1 if behind else rows[0], row)
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("topic", help="the name of its modules, such as reconnecting")
    parser.add_argument("number", help="its place in the course, two digits")
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parents[1])
    options = parser.parse_args()
    try:
        written = make(options.root, options.topic, options.number)
    except Refused as refused:
        print(refused, file=sys.stderr)
        return 2
    for path in written:
        print(path.relative_to(options.root))
    print('Next: "A new lesson" in CONTRIBUTING.md; `make test ARGS="-k', f'{options.topic}"`.')
    return 0


if __name__ == "__main__":
    sys.exit(main())
