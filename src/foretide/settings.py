"""The choices of a workspace, kept in its ``foretide.toml``."""

from __future__ import annotations

import json
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from foretide.errors import NotAWorkspaceError, UsageError

SETTINGS_FILE = "foretide.toml"
#: A country, and a region of it where holidays differ: which there are is known to ``features.calendar`` only.
COUNTRY = re.compile(r"[A-Za-z]{2,4}(-[A-Za-z0-9]{1,4})?")
DOMAINS = ("ecommerce", "video", "social", "risk")


@dataclass(frozen=True)
class Settings:
    """What a team decides once for its workspace.

    Parameters
    ----------
    domain
        One of ``DOMAINS``; it sets whether items may be recommended again.
    timezone
        IANA name of the zone whose midnights begin a day.
    window_days
        The lifecycle window W of the definitions: new until 2 W, at risk after 2 W, churned after 4 W
        without a critical event.
    critical_events
        Event types that keep a user alive; empty for all.
    holidays
        Country or region whose holidays may move activity: ``US``, ``DE-BY``; empty for none.
    events
        CSV of the team's own events, ``name,start[,end][,category]``, as seen from the workspace; empty for none.
    """

    domain: str = "ecommerce"
    timezone: str = "UTC"
    window_days: int = 7
    critical_events: tuple[str, ...] = ()
    holidays: str = ""
    events: str = ""

    def __post_init__(self) -> None:
        if self.domain not in DOMAINS:
            raise UsageError(f"domain {self.domain!r} is not one of {', '.join(DOMAINS)}")
        if not isinstance(self.window_days, int) or not 1 <= self.window_days <= 30:
            raise UsageError(f"window_days must be a whole number from 1 to 30, not {self.window_days!r}")
        check_timezone(self.timezone)
        check_country(self.holidays)
        if not isinstance(self.events, str):
            raise UsageError(f"events must name a CSV file in quotes, not {self.events!r}")

    def save(self, folder: Path) -> None:
        """Write ``foretide.toml`` into a folder."""
        lines = ["# A foretide workspace. What each line means: docs/reference.md"]
        for item in fields(self):
            chosen = getattr(self, item.name)
            # JSON strings, numbers and lists are TOML too
            lines.append(f"{item.name} = {json.dumps(list(chosen) if isinstance(chosen, tuple) else chosen)}")
        (folder / SETTINGS_FILE).write_text("\n".join(lines) + "\n", encoding="utf-8")

    @staticmethod
    def exists(folder: Path) -> bool:
        """Tell whether a folder is a workspace."""
        return (folder / SETTINGS_FILE).is_file()

    @classmethod
    def load(cls, folder: Path) -> Settings:
        """Read ``foretide.toml`` of a folder.

        Raises
        ------
        NotAWorkspaceError
            If the folder has none.
        UsageError
            If the file is not TOML, or a line of it is unknown or out of range.
        """
        file = folder / SETTINGS_FILE
        if not cls.exists(folder):
            raise NotAWorkspaceError(
                f"{folder} is not a foretide workspace: it has no {SETTINGS_FILE};"
                f" make one with: foretide init {folder}"
            )
        try:
            chosen = tomllib.loads(file.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise UsageError(f"{file} is not valid TOML: {error}; mend it or delete the line") from error
        unknown = chosen.keys() - {item.name for item in fields(cls)}
        if unknown:
            raise UsageError(f"{file}: unknown setting {min(unknown)!r}; delete the line")
        if isinstance(chosen.get("critical_events"), list):
            chosen["critical_events"] = tuple(chosen["critical_events"])
        return cls(**chosen)


def check_timezone(name: str) -> None:
    """Raise a UsageError if there is no time zone of this name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise UsageError(f"time zone {name!r} is unknown; give an IANA name such as Europe/Berlin or UTC") from error


def check_country(code: str) -> None:
    """Raise a UsageError if this is neither empty nor written as a country or region."""
    if not isinstance(code, str) or (code and not COUNTRY.fullmatch(code)):
        raise UsageError(f"holidays must be a country or region such as 'US' or 'DE-BY', not {code!r}")
