"""What people call the columns of an event log, best names first, in English and Chinese."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from functools import cache

#: Names of things; ``customer`` stands for ``customer_id``, ``CustomerNo``, ``loyalty customer key`` too.
ID_WORDS: Mapping[str, str] = {
    "user_id": "user uid customer household member account visitor client person subscriber viewer reader "
    "player shopper buyer patient student cardholder device profile cust respondent participant "
    "用户 会员 客户 顾客 买家",
    "item_id": "item product sku stock movie video article content film show song track book post page asin "
    "isbn media listing goods terminal merchant question 商品 物品 产品 视频 文章 电影 题目",
    "session_id": "session usersession basket order invoice visit transaction receipt cart trip ticket "
    "会话 订单 购物篮",
    "event_id": "event message insert 事件",
    "unique_id": "unique series ts_series 序列",
}
ID_ENDINGS = frozenset(
    {"id", "ids", "key", "no", "nr", "num", "number", "code", "uuid", "guid", "hash", "编号", "号码"}
)

GLUED_ENDINGS = ("编号", "号码", "号", "id")

#: Names of what is measured or said of an event.
WORDS: Mapping[str, str] = {
    "ts": "ts timestamp event_time event_timestamp event_ts datetime time occurred_at created_at date "
    "event_date ds when unix_time unixtime epoch day at 时间 时间戳 日期",
    "event_type": "event_type event_name action action_type behavior_type behaviour_type behavior behaviour "
    "event interaction activity verb type 行为类型 行为 事件类型 事件 操作 类型",
    "value": "value sales_value amount revenue rating total sales spend stars score price payment answer "
    "duration watch_time quantity qty 金额 评分 价格 销售额 时长 数量 值",
    "category": "category product_category genre genres department category_name category_code section topic "
    "cat class categoryid 类别 类目 分类 品类",
    "y": "y count value events users views visits sales n total sum amount number 数量 次数 值",
}
#: Names of a value that make an event a rating.
RATING_NAMES = frozenset({"rating", "ratings", "stars", "score", "评分"})
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
    if target in ID_WORDS:
        return id_score(name, ID_WORDS[target].split())
    return word_score(name, WORDS[target].split())


def id_score(name: tuple[str, ...], words: list[str]) -> float:
    """Score ``customer_id``, ``customer`` and ``loyalty_customer_id``, in this order of trust.

    A plural (``users``) is a count of them, not one of them.
    """
    stem, is_id = split_ending(name)
    if "".join(stem) in words:
        return 1 - words.index("".join(stem)) * RANK_STEP - (0 if is_id else BARE)
    if is_id and stem and stem[-1] in words:
        return 1 - words.index(stem[-1]) * RANK_STEP - ENDING
    return 0.0


def split_ending(name: tuple[str, ...]) -> tuple[tuple[str, ...], bool]:
    """Take ``id`` off ``user id``, ``userid`` and ``用户编号``, and tell whether it was there."""
    last = name[-1] if name else ""
    if len(name) > 1 and last in ID_ENDINGS:
        return name[:-1], True
    glued = next((ending for ending in GLUED_ENDINGS if last.endswith(ending) and last not in GLUED_ENDINGS), "")
    is_word = any(last in words.split() for words in ID_WORDS.values())
    return ((*name[:-1], last.removesuffix(glued)), True) if glued and not is_word else (name, False)


def word_score(name: tuple[str, ...], words: list[str]) -> float:
    """Score ``amount``, then ``tx_amount``."""
    squeezed = ["".join(tokens(word)) for word in words]
    joined = "".join(name)
    if joined in squeezed:
        return 1 - squeezed.index(joined) * RANK_STEP
    for start in range(1, len(name)):
        ending = "".join(name[start:])
        if ending in squeezed:
            return 1 - squeezed.index(ending) * RANK_STEP - ENDING
    chinese = [word for word in words if not word.isascii() and joined.endswith(word)]
    return 1 - words.index(chinese[0]) * RANK_STEP - ENDING if chinese else 0.0
