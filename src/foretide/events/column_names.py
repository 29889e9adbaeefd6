"""What people call the columns of an event log, best names first, in English, German and Chinese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

#: Names of things; ``customer`` stands for ``customer_id``, ``CustomerNo``, ``loyalty customer key`` too. Each
#: language begins behind a ``|``.
ID_WORDS: Mapping[str, str] = {
    "user_id": "user uid customer household member account visitor client person subscriber viewer reader "
    "player shopper buyer patient student cardholder device profile cust respondent participant "
    "| kunde kunden benutzer nutzer besucher mitglied teilnehmer | 用户 会员 客户 顾客 买家",
    "item_id": "item product sku stock movie video article content film show song track book post page asin "
    "isbn media listing goods terminal merchant question | artikel produkt | 商品 物品 产品 视频 文章 电影 题目",
    "session_id": "session usersession basket order invoice visit transaction receipt cart trip ticket "
    "| sitzung bestell bestellung auftrag auftrags rechnung rechnungs warenkorb beleg | 会话 订单 购物篮",
    "event_id": "event message insert | ereignis | 事件",
    "unique_id": "unique series ts_series | 序列",
}
ID_ENDINGS = frozenset(
    {"id", "ids", "key", "no", "nr", "num", "number", "nummer", "code", "uuid", "guid", "hash", "编号", "号码"}
)

GLUED_ENDINGS = ("编号", "号码", "号", "id", "nummer", "nr")
#: A bare plural is a count of them.
PLURALS = frozenset({"kunden"})

#: Names of what is measured or said of an event.
WORDS: Mapping[str, str] = {
    "ts": "ts timestamp event_time event_timestamp event_ts datetime time occurred_at created_at date "
    "event_date ds when unix_time unixtime epoch day at "
    "| zeitstempel zeitpunkt bestelldatum kaufdatum datum zeit uhrzeit tag | 时间 时间戳 日期",
    "event_type": "event_type event_name action action_type behavior_type behaviour_type behavior behaviour "
    "event interaction activity verb type | aktion aktionstyp ereignistyp ereignis "
    "| 行为类型 行为 事件类型 事件 操作 类型",
    "value": "value sales_value amount revenue rating total sales spend stars price payment answer "
    "duration watch_time quantity qty | betrag umsatz wert summe bewertung preis menge anzahl "
    "| 金额 评分 价格 销售额 时长 数量 值",
    "category": "category product_category genre genres department category_name category_code section topic "
    "cat class categoryid | kategorie warengruppe rubrik | 类别 类目 分类 品类",
    "y": "y count value events users views visits sales n total sum amount number | anzahl menge umsatz wert betrag "
    "| 数量 次数 值",
}
#: The last parts of German words: ``Lieferdatum``, ``Gesamtbetrag``.
GERMAN_ENDINGS = frozenset({"datum", "zeitstempel", "betrag", "umsatz", "preis", "menge", "kategorie"})
#: Names of a value that make an event a rating.
RATING_NAMES = frozenset({"rating", "ratings", "stars", "score", "bewertung", "评分"})
#: Names of what a model said or someone reckoned, which is not what an event was worth.
RECKONED = frozenset(
    {"propensity", "probability", "probabilities", "prob", "likelihood", "odds", "confidence", "score", "scores"}
    | {"predicted", "prediction", "wahrscheinlichkeit", "概率"}
)
#: How far down a list of names still counts, and what an inexact match is worth.
RANK_STEP, BARE, ENDING = 0.01, 0.05, 0.15


@cache
def tokens(name: str) -> tuple[str, ...]:
    """Split ``userId``, ``CustomerID``, ``event time`` and ``用户ID`` into lower-case words."""
    name = unicodedata.normalize("NFKC", name)
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    name = re.sub(r"(?<=[\u4e00-\u9fff])(?=[A-Za-z])|(?<=[A-Za-z])(?=[\u4e00-\u9fff])", " ", name)
    return tuple(re.findall(r"[^\W_]+", name.lower()))


def name_score(target: str, column: str) -> float:
    """Tell how well a column's name says that it is the target, from 0 to 1."""
    name = tokens(column)
    if target == "event_id" and not split_ending(name)[1]:  # a bare ``event`` is its type
        return 0.0
    if target in {"value", "y"} and not RECKONED.isdisjoint(name):
        return 0.0
    if target in ID_WORDS:
        return id_score(name, ranks(ID_WORDS[target]))
    return word_score(name, ranks(WORDS[target]))


@cache
def ranks(words: str) -> Mapping[str, int]:
    """Return the place of each word in its language, spelled without gaps."""
    languages = (language.split() for language in words.split("|"))
    return {"".join(tokens(word)): place for language in languages for place, word in enumerate(language)}


def id_score(name: tuple[str, ...], words: Mapping[str, int]) -> float:
    """Score ``customer_id``, ``customer`` and ``loyalty_customer_id``, in this order of trust.

    A plural (``users``) is a count of them, not one of them.
    """
    stem, is_id = split_ending(name)
    whole = "".join(stem)
    if whole in words and (is_id or whole not in PLURALS):
        return 1 - words[whole] * RANK_STEP - (0 if is_id else BARE)
    if is_id and stem and stem[-1] in words:
        return 1 - words[stem[-1]] * RANK_STEP - ENDING
    return 0.0


def split_ending(name: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Take ``id`` off ``user id``, ``userid``, ``Kundennummer`` and ``用户编号``, and tell whether it was there."""
    last = name[-1] if name else ""
    if len(name) > 1 and last in ID_ENDINGS:
        return name[:-1], True
    glued = next((ending for ending in GLUED_ENDINGS if last.endswith(ending) and last not in GLUED_ENDINGS), "")
    is_word = any(last in ranks(words) for words in ID_WORDS.values())
    return ((*name[:-1], last.removesuffix(glued)), True) if glued and not is_word else (name, False)


def word_score(name: tuple[str, ...], words: Mapping[str, int]) -> float:
    """Score ``amount``, then ``tx_amount`` and ``Gesamtbetrag``."""
    joined = "".join(name)
    if joined in words:
        return 1 - words[joined] * RANK_STEP
    for start in range(1, len(name)):
        ending = "".join(name[start:])
        if ending in words:
            return 1 - words[ending] * RANK_STEP - ENDING
    glued = [word for word in words if joined.endswith(word) and (not word.isascii() or word in GERMAN_ENDINGS)]
    return 1 - words[glued[0]] * RANK_STEP - ENDING if glued else 0.0
