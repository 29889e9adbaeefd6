"""Which encoding a text has that is not UTF-8, as far as its bytes show it."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: What most files of one byte a letter are, and what most Chinese ones are.
WESTERN, CHINESE = "cp1252", "gb18030"
#: The part of it that has the characters in use.
COMMON_CHINESE = "gb2312"
#: Bytes beyond ASCII that stand together, and what they are in UTF-8.
BEYOND = re.compile(rb"[\x80-\xff]+")
#: Share of Chinese characters, as pairs of bytes beyond ASCII, from which a text is Chinese.
PAIRED_SHARE = 0.8
#: Characters that no text in a western language has: most are there by accident.
UNUSUAL = frozenset("\u00ff\u00a4\u00a6\u00a8\u00ac\u00ad\u00af\u00b8")


def likely_encoding(lines: Sequence[bytes]) -> str | None:
    """Return the encoding that lines which are not UTF-8 are likely to have; None if they look damaged.

    Two bytes at a time are Chinese, single ones among letters western. Bytes that stand for no character, or for
    one that no text has, are damage.
    """
    runs = [run for line in lines for run in BEYOND.findall(line)]
    n_bytes = sum(map(len, runs))
    if n_bytes and sum(len(run) for run in runs if is_chinese(run)) >= PAIRED_SHARE * n_bytes:
        return CHINESE
    try:
        shown = "".join(run.decode(WESTERN) for run in runs)
    except UnicodeDecodeError:
        return None
    return WESTERN if shown and UNUSUAL.isdisjoint(shown) else None


def is_chinese(run: bytes) -> bool:
    """Tell whether bytes are common Chinese characters or punctuation."""
    try:
        text = run.decode(COMMON_CHINESE)
    except UnicodeDecodeError:
        return False
    return all("\u3000" <= char <= "\u303f" or "\u4e00" <= char <= "\u9fff" or char >= "\uff00" for char in text)
