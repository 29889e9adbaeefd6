"""The report as one HTML file that opens offline: words, tables, charts, and the code that draws them.

Nothing is loaded from anywhere, and the page's own security policy forbids it: only the scripts and styles whose
hashes it names run. Names out of the data are escaped in the markup and cannot end the JSON in it.
"""

from __future__ import annotations

import json
import os
import tempfile
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from foretide.errors import MissingExtraError, StorageError
from foretide.report.data import ReportData
from foretide.text import LANGUAGES, say, speaking

if TYPE_CHECKING:
    from jinja2 import Environment

EXTRAS = ("altair", "jinja2", "vl_convert")
TAGS = {"en": "en", "zh": "zh-Hans"}


def write_report(data: ReportData, path: Path, lang: str = "en") -> Path:
    """Write the report to one HTML file, whole or not at all.

    Parameters
    ----------
    data
        The figures; what is missing is left out.
    path
        The file, replaced if it is there.
    lang
        ``en`` or ``zh``.

    Raises
    ------
    MissingExtraError
        If a library of the extra ``report`` is not installed.
    StorageError
        If the file cannot be written.
    """
    check_extras()
    if lang not in LANGUAGES:
        raise ValueError(f"language {lang!r} is not one of {', '.join(LANGUAGES)}")
    with speaking(lang):
        html = page(data, lang)
    return write_whole(html, Path(path))


def check_extras() -> None:
    """Raise if a library of the extra is missing."""
    if any(find_spec(name) is None for name in EXTRAS):
        raise MissingExtraError("the report needs altair, jinja2 and vl-convert-python; install foretide[report]")


def page(data: ReportData, lang: str) -> str:
    """Return the HTML of a report in the current language."""
    from foretide.report import headline, sections, theme

    first = headline.lifecycle(data)
    parts = sections.sections(data)
    figures = [*([first] if first else []), *(drawn for part in parts for drawn in part.figures)]
    specs = {f"chart-{i}": drawn.spec for i, drawn in enumerate(figures)}
    ids = {drawn.key: chart for chart, drawn in zip(specs, figures, strict=True)}
    script, style = chart_script(), style_sheet()
    settings = {
        "config": theme.chart_config(),
        "formatLocale": theme.number_locale(),
        "timeFormatLocale": theme.time_locale(),
    }
    return (
        environment()
        .get_template("report.html")
        .render(
            data=data,
            lang=TAGS[lang],
            lead=headline.lead(data),
            tiles=headline.tiles(data),
            first=first,
            sections=parts,
            ids=ids,
            charts=script_json({"settings": settings, "specs": specs}),
            script=script,
            style=style,
            policy=policy(script, style),
            series_only=first is None,
            heat=list(theme.HEAT_COLOURS),
            version=version(),
        )
    )


@cache
def environment() -> Environment:
    """Return the templates with their filters; whatever they insert is escaped."""
    from jinja2 import Environment, PackageLoader, StrictUndefined

    from foretide.report.wording import day, emphasised, sentences

    made = Environment(
        loader=PackageLoader("foretide.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"emphasised": emphasised, "day": day}
    made.globals |= {"say": say, "sentences": sentences}
    return made


@cache
def chart_script() -> str:
    """Return the code that draws: the libraries of the installed package and the page's own few lines."""
    import vl_convert

    own = template("report.js")
    bundle: str = vl_convert.javascript_bundle(own)
    return bundle.replace("</script", "<\\/script").replace("\r", "")


@cache
def style_sheet() -> str:
    """Return the palette, light and dark, and the page's style."""
    from foretide.report.theme import FONT, declarations

    light, dark = declarations(dark=False), declarations(dark=True)
    palette = (
        f":root{{color-scheme:light;--font:{FONT};{light}}}\n"
        f"@media screen and (prefers-color-scheme:dark){{:root{{color-scheme:dark;{dark}}}}}\n"
    )
    swatches = "\n".join(f".c-{name}{{--colour:var(--{name})}}" for name in colour_names())
    return f"{palette}{swatches}\n{template('report.css')}"


def colour_names() -> list[str]:
    """Return every colour that a legend may show."""
    from foretide.report.theme import PALETTE

    return list(PALETTE)


def template(name: str) -> str:
    """Return a file beside the template as text."""
    return (files("foretide.report") / "templates" / name).read_text("utf-8")


def script_json(thing: Any) -> str:
    """Return JSON that no text in it can end, wherever it stands in a page."""
    from markupsafe import Markup

    text = json.dumps(thing, separators=(",", ":"), allow_nan=False)
    for sign in "<>&":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return Markup(text)  # noqa: S704 - no sign of markup is left


def policy(script: str, style: str) -> str:
    """Return the security policy: nothing is loaded, and only this script and this style run."""

    def source(text: str) -> str:
        return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"

    return (
        f"default-src 'none'; script-src {source(script)}; style-src {source(style)}; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


def version() -> str:
    """Return the version of foretide."""
    from importlib.metadata import version as installed

    return installed("foretide")


def check_place(path: Path) -> None:
    """Refuse a file that cannot be written, before the work that it is for.

    Raises
    ------
    StorageError
        If it cannot.
    """
    handle, unfinished = begun(path)
    os.close(handle)
    unfinished.unlink()


def begun(path: Path) -> tuple[int, Path]:
    """Return an open file beside the place of another; errors as of ``write_whole``."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}; choose another place") from error
    return handle, Path(name)


def write_whole(html: str, path: Path) -> Path:
    """Write a file beside its place and move it there.

    Raises
    ------
    StorageError
        If it cannot be written.
    """
    handle, unfinished = begun(path)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(html)
        unfinished.chmod(0o644)
        unfinished.replace(path)
    except OSError as error:
        raise StorageError(f"{path} cannot be written: {error.strerror}; choose another place") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return path
