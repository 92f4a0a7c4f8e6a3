"""What a reader takes for one character, and Unicode calls an extended grapheme cluster.

The rules of Unicode Standard Annex #29, section 3.1.1, as far as Python's own tables go: line ends,
control characters, combining marks, emoji with skin tones and joiners, flags, Hangul. Left out is
what those tables do not say: prepended marks and conjuncts of Indic scripts.
"""

from __future__ import annotations

import unicodedata

JOINER = "\u200d"
"""ZERO WIDTH JOINER: makes one emoji out of several."""

_SKIN_TONES = range(0x1F3FB, 0x1F400)
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
_TAGS = range(0xE0020, 0xE0080)
_PICTURES = (range(0x1F000, 0x1F1E6), range(0x1F200, 0x1F3FB), range(0x1F400, 0x1FC00))


def graphemes(text: str) -> list[str]:
    """`text` in pieces, each of which a reader takes for one character."""
    clusters: list[str] = []
    for character in text:
        if clusters and _goes_on(clusters[-1], character):
            clusters[-1] += character
        else:
            clusters.append(character)
    return clusters


def _goes_on(cluster: str, character: str) -> bool:
    """Whether `character` belongs to the cluster before it."""
    before = cluster[-1]
    if before == "\r" and character == "\n":
        return True
    if _is_control(before) or _is_control(character):
        return False
    if _extends(character):
        return True
    if before == JOINER and _is_picture(character):
        rest = list(cluster[:-1])
        while rest and _extends(rest[-1]) and not _is_spacing(rest[-1]) and rest[-1] != JOINER:
            rest.pop()
        return bool(rest) and _is_picture(rest[-1])
    if ord(before) in _FLAG_LETTERS and ord(character) in _FLAG_LETTERS:
        return len(cluster) % 2 == 1  # flags are pairs of letters
    return _hangul(before, character)


def _extends(character: str) -> bool:
    return (
        unicodedata.category(character) in ("Mn", "Me")
        or _is_spacing(character)
        or character in (JOINER, "\u200c", "\uff9e", "\uff9f")
        or ord(character) in _SKIN_TONES
        or ord(character) in _TAGS
    )


def _is_spacing(character: str) -> bool:
    return unicodedata.category(character) == "Mc" or character in "\u0e33\u0eb3"


def _is_control(character: str) -> bool:
    if character in (JOINER, "\u200c") or ord(character) in _TAGS:
        return False
    # Format characters count, but for those that stand before digits in Arabic and the like.
    return unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp")


def _is_picture(character: str) -> bool:
    code = ord(character)
    if any(code in pictures for pictures in _PICTURES):
        return True
    return character in "\u00a9\u00ae\u203c\u2049\u2122\u2139" or (
        0x2190 <= code <= 0x2BFF and unicodedata.category(character) in ("So", "Sm", "Po")
    )


def _hangul(before: str, character: str) -> bool:
    first, then = _syllable_part(before), _syllable_part(character)
    return (first, then) in {
        ("L", "L"), ("L", "V"), ("L", "LV"), ("L", "LVT"),
        ("LV", "V"), ("V", "V"), ("LV", "T"), ("V", "T"), ("LVT", "T"), ("T", "T"),
    }  # fmt: skip


def _syllable_part(character: str) -> str:
    code = ord(character)
    if 0x1100 <= code < 0x1160 or 0xA960 <= code < 0xA97D:
        return "L"
    if 0x1160 <= code < 0x11A8 or 0xD7B0 <= code < 0xD7C7:
        return "V"
    if 0x11A8 <= code < 0x1200 or 0xD7CB <= code < 0xD7FC:
        return "T"
    if 0xAC00 <= code < 0xD7A4:
        return "LV" if (code - 0xAC00) % 28 == 0 else "LVT"
    return ""
