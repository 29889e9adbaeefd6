"""Which of the last days were active, as bits: day 0 is the last active day, bit k the day k before it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from foretide.compiled import njit

Words = NDArray[np.uint64]
BITS = 64


@njit
def shift(words: Words, days: int) -> None:
    """Move every bit ``days`` up and set bit 0, in place: a new last day, ``days`` after the old one."""
    jump, rest = days // BITS, np.uint64(days % BITS)
    for i in range(words.size - 1, -1, -1):
        low = words[i - jump] << rest if i >= jump else np.uint64(0)
        carry = words[i - jump - 1] >> (np.uint64(BITS) - rest) if rest and i > jump else np.uint64(0)
        words[i] = low | carry
    words[0] |= np.uint64(1)


@njit
def ones(word: np.uint64) -> int:
    """Count the bits of a word that are set."""
    pairs = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    fours = (pairs & np.uint64(0x3333333333333333)) + ((pairs >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bytes_ = (fours + (fours >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return int((bytes_ * np.uint64(0x0101010101010101)) >> np.uint64(56))


@njit
def active_between(words: Words, begin: int, end: int) -> int:
    """Count the active days among the days ``begin`` (inclusive) to ``end`` (exclusive) before the last one."""
    begin = max(begin, 0)
    end = min(end, words.size * BITS)
    n = 0
    for i in range(begin // BITS, (end + BITS - 1) // BITS):
        word = words[i]
        low, high = max(begin - i * BITS, 0), min(end - i * BITS, BITS)
        if high < low:
            continue
        if high < BITS:
            word &= (np.uint64(1) << np.uint64(high)) - np.uint64(1)
        n += ones(word >> np.uint64(low)) if low < BITS else 0
    return n
