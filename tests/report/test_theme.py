"""The palette is told apart by colour-blind readers, and the charts name nothing outside it."""

import itertools
import json
import re
from itertools import product

import numpy as np
import pytest

from foretide.report.theme import (
    HEAT_COLOURS,
    HEAT_INKS,
    INTEREST_COLOURS,
    PALETTE,
    STAGE_COLOURS,
    chart_config,
    variable,
)

#: Machado, Oliveira and Fernandes (2009), severity 1, on linear RGB.
SIGHT = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "tritanopia": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}
TO_XYZ = np.array(
    [[0.4124564, 0.3575761, 0.1804375], [0.2126729, 0.7151522, 0.0721750], [0.0193339, 0.1191920, 0.9503041]]
)
WHITE = np.array([0.95047, 1.0, 1.08883])
#: A difference (CIE 1976) that is plain to see in areas that touch.
PLAIN = 15.0


def linear(colour: str) -> np.ndarray:
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def lab(rgb: np.ndarray) -> np.ndarray:
    t = TO_XYZ @ np.clip(rgb, 0, 1) / WHITE
    f = np.where(t > 0.008856, np.cbrt(t), 7.787 * t + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def contrast(one: str, other: str) -> float:
    """WCAG contrast ratio."""
    light = sorted(linear(colour) @ TO_XYZ[1] for colour in (one, other))
    return (light[1] + 0.05) / (light[0] + 0.05)


@pytest.mark.parametrize("sight", SIGHT)
@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("colours", [STAGE_COLOURS, INTEREST_COLOURS], ids=["stages", "interests"])
def test_neighbours_stay_apart(sight, dark, colours):
    shown = [pair[dark] for pair in colours.values()]
    for one, other in itertools.pairwise(shown):
        seen = [lab(SIGHT[sight] @ linear(colour)) for colour in (one, other)]
        assert np.linalg.norm(seen[0] - seen[1]) > PLAIN, (one, other)


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("text", "ground"), [*product(("ink", "muted", "accent"), ("page", "card"))])
def test_words_are_readable(dark, text, ground):
    assert contrast(PALETTE[text][dark], PALETTE[ground][dark]) >= 4.5


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize(("ground", "text"), list(zip(HEAT_COLOURS.values(), HEAT_INKS.values(), strict=True)))
def test_figures_are_readable_on_every_heat(dark, ground, text):
    assert contrast(text[dark], ground[dark]) >= 4.5


def test_an_unknown_colour_is_an_error():
    with pytest.raises(KeyError):
        variable("mauve")


def test_the_style_of_the_charts_names_only_the_palette():
    named = re.findall(r"var\(--([\w-]+)\)", json.dumps(chart_config()))
    assert named
    assert set(named) <= set(PALETTE)
