"""The catalogue says the same things in every language."""

import re

import pytest

from foretide.text import LANGUAGES, catalogue, say, speaking

FIELD = re.compile(r"\{(\w+)")


def test_every_language_has_the_same_keys():
    english = catalogue("en").keys()
    assert english
    for lang in LANGUAGES:
        assert catalogue(lang).keys() == english


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_translation_uses_the_same_figures(lang):
    for key, text in catalogue("en").items():
        assert set(FIELD.findall(text)) == set(FIELD.findall(catalogue(lang)[key])), key


def test_the_language_is_left_with_the_block():
    with speaking("zh"):
        assert say("stage.new") == "新用户"
    assert say("stage.new") == "new"


def test_an_unknown_key_is_an_error():
    with pytest.raises(KeyError):
        say("stage.no_such_stage")
