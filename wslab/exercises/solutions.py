"""Solutions, for after: they stay out of the notebook until somebody asks."""

from __future__ import annotations


class Solutions(dict[str, str]):
    """The code of each exercise's solution, by the exercise's name."""

    def show(self, exercise: str) -> None:
        """Print a solution. Raises KeyError for an exercise that is not here."""
        if exercise not in self:
            raise KeyError(f"expected one of {', '.join(self)}, got {exercise!r}")
        print(self[exercise])
