"""A self-contained report on where the users are heading."""

from importlib.util import find_spec

from foretide.errors import MissingExtraError

if not all(find_spec(name) for name in ("altair", "jinja2", "vl_convert")):
    raise MissingExtraError("the report needs altair, jinja2 and vl-convert-python; install foretide[report]")
