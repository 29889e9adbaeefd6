"""The catalogue of what users read, in English and Chinese.

``say("stage.churned")`` gives the words of ``locale/<lang>/stage.toml`` in the current language,
``say("report.title", users=12)`` fills in figures. A key that one language lacks is a defect that the tests
find; nothing falls back in silence.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files

LANGUAGES = ("en", "zh")
_language: ContextVar[str] = ContextVar("language", default="en")


@cache
def catalogue(lang: str) -> dict[str, str]:
    """Return every text of a language by its dotted key: the file, then the tables in it."""

    def flatten(table: dict[str, object], prefix: str) -> Iterator[tuple[str, str]]:
        for key, entry in table.items():
            if isinstance(entry, dict):
                yield from flatten(entry, f"{prefix}{key}.")
            else:
                yield f"{prefix}{key}", str(entry)

    texts: dict[str, str] = {}
    for file in (files("foretide") / "locale" / lang).iterdir():
        texts |= flatten(tomllib.loads(file.read_text("utf-8")), file.name.removesuffix("toml"))
    return texts


def say(key: str, **figures: object) -> str:
    """Return the text of ``key`` in the current language with the figures filled in.

    Raises
    ------
    KeyError
        If the catalogue has no such key.
    """
    return catalogue(_language.get())[key].format(**figures)


def say_or(key: str, otherwise: str) -> str:
    """Return the text of ``key``, or another one: for names that no catalogue can have all of."""
    return catalogue(_language.get()).get(key, otherwise)


def language() -> str:
    """Return the current language, one of ``LANGUAGES``."""
    return _language.get()


@contextmanager
def speaking(lang: str) -> Iterator[None]:
    """Use a language, one of ``LANGUAGES``, inside the block."""
    token = _language.set(lang)
    try:
        yield
    finally:
        _language.reset(token)
