"""What partners and operators of Contoso Events receive. Made by `contoso schemas bindings --lang python`; do not edit.

Types are dictionaries as `json.loads` gives them; `parse_` functions check them. Python 3.11 or newer.
"""

import re
from collections.abc import Callable
from typing import Literal, NotRequired, TypeAlias, TypedDict, TypeGuard, cast


class InvalidData(ValueError):
    """What was received is not what its type says. The message begins with the path of what is wrong."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path or 'the data'}: {problem}")
        self.path = path


_Check: TypeAlias = Callable[[object, str], None]


def _below(path: str, step: str | int) -> str:
    return f"{path}.{step}" if path else str(step)


def _object(value: object, path: str) -> dict[str, object]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise InvalidData(path, "is no object")
    return value


def _members(value: object, path: str, members: list[tuple[str, bool, _Check]]) -> None:
    found = _object(value, path)
    for name, is_required, check in members:
        if name in found:
            check(found[name], _below(path, name))
        elif is_required:
            raise InvalidData(_below(path, name), "is missing")


def _map(check: _Check) -> _Check:
    def checked(value: object, path: str) -> None:
        for name, item in _object(value, path).items():
            check(item, _below(path, name))

    return checked


def _list(check: _Check) -> _Check:
    def checked(value: object, path: str) -> None:
        if not isinstance(value, list):
            raise InvalidData(path, "is no list")
        for index, item in enumerate(value):
            check(item, _below(path, index))

    return checked


def _union(*checks: _Check) -> _Check:
    def checked(value: object, path: str) -> None:
        first: InvalidData | None = None
        for check in checks:
            try:
                return check(value, path)
            except InvalidData as error:
                # What is wrong with null says nothing.
                if check is not _null and first is None:
                    first = error
        raise first or InvalidData(path, "is nothing that may be here")

    return checked


def _any(value: object, path: str) -> None:
    pass


def _null(value: object, path: str) -> None:
    if value is not None:
        raise InvalidData(path, "is not null")


def _boolean(value: object, path: str) -> None:
    if not isinstance(value, bool):
        raise InvalidData(path, "is neither true nor false")


def _whole(bits: int) -> _Check:
    def checked(value: object, path: str) -> None:
        # JSON has one kind of number: 5.0 is whole.
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int) or not -(2 ** (bits - 1)) <= value < 2 ** (bits - 1):
            raise InvalidData(path, f"is no whole number of {bits} bits")

    return checked


_int = _whole(32)
_long = _whole(64)


def _number(value: object, path: str) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or value in (float("inf"), float("-inf")):
        raise InvalidData(path, "is no number")


def _text(value: object, path: str) -> None:
    if not isinstance(value, str):
        raise InvalidData(path, "is no text")


def _like(pattern: str, what: str) -> _Check:
    compiled = re.compile(pattern)

    def checked(value: object, path: str) -> None:
        if not isinstance(value, str) or compiled.fullmatch(value) is None:
            raise InvalidData(path, f"is not {what}")

    return checked

#: What subscriptions select by. It says nothing that the rest does not.
MatchFields = TypedDict("MatchFields", {
    #: The product's category, and before it the one that it just left.
    "categories": "list[str]",
    #: By how much the price fell; absent where it did not.
    "priceDropPercent": NotRequired["float"],
    #: The product id with each upper-case letter as ^ and its lower-case form.
    "product": "str",
})

#: A product that is sold has new content: it was created, changed, or revived after having been discontinued. Data of com.contoso.product.changed.v1.
ProductChanged = TypedDict("ProductChanged", {
    #: Which product: 1 to 64 of A-Z a-z 0-9 _ - . and the event's subject and partition key.
    "productId": "str",
    #: Counts the announcements of this product from 1. Of two events of a product the one with the higher revision is the later state, in whatever order they arrive.
    "revision": "int",
    #: Version of the product in the catalogue. Grows with each change there; versions between two announcements are not announced.
    "version": "int",
    #: The product as it is now, whole.
    "state": "ProductState",
    #: What differs from the state announced before, or every field of a product announced for the first time.
    "changes": "list[FieldChange]",
    #: What subscriptions select by.
    "match": "MatchFields",
})

#: The whole content of a product at one version.
ProductState = TypedDict("ProductState", {
    #: What the product is called: 1 to 200 characters.
    "name": "str",
    #: The category it is listed in: 1 to 100 characters.
    "category": "str",
    #: Who makes it, where known.
    "brand": NotRequired["None | str"],
    #: What it is, in plain text, where there is a description.
    "description": NotRequired["None | str"],
    #: What one of it costs.
    "price": "Price",
    #: How many are in stock, zero or more; null where stock is not counted.
    "stock": NotRequired["None | int"],
    #: When the catalogue made this version, UTC.
    #: As a time in RFC 3339.
    "updatedAt": "str",
})

#: An amount of money, exact. A long because Avro libraries disagree on decimals.
Price = TypedDict("Price", {
    #: Exact: digits with as many decimal places as the currency has. Read it as a decimal, never as a float.
    #: As an amount as text, digits with a decimal point.
    "amount": "str",
    #: ISO 4217 code, upper case.
    "currency": "str",
})

#: One field that differs. Values are text as people read it: a price is 19.99 USD, stock is decimal digits.
FieldChange = TypedDict("FieldChange", {
    #: Name of the field: name, category, brand, description, price, stock, status or discontinuedReason. More may follow.
    "field": "str",
    #: What it was in the state announced before; null if it was not there.
    "from": NotRequired["object"],
    #: What it is now; null if it is not there any more.
    "to": NotRequired["object"],
})

#: A product is no longer sold. Data of com.contoso.product.discontinued.v1.
ProductDiscontinued = TypedDict("ProductDiscontinued", {
    #: Which product: 1 to 64 of A-Z a-z 0-9 _ - . and the event's subject and partition key.
    "productId": "str",
    #: Counts the announcements of this product from 1. Of two events of a product the one with the higher revision is the later state, in whatever order they arrive.
    "revision": "int",
    #: Version of the product in the catalogue. Grows with each change there; versions between two announcements are not announced.
    "version": "int",
    #: Why, if staff said: 1 to 200 characters.
    "reason": NotRequired["None | str"],
    #: The product as it was at the end.
    "lastState": "ProductState",
    #: What subscriptions select by.
    "match": "MatchFields",
})


def _check_MatchFields(value: object, path: str) -> None:
    _members(value, path, [
        ("categories", True, _list(_text)),
        ("priceDropPercent", False, _number),
        ("product", True, _text),
    ])


def _check_ProductChanged(value: object, path: str) -> None:
    _members(value, path, [
        ("productId", True, _text),
        ("revision", True, _long),
        ("version", True, _long),
        ("state", True, _check_ProductState),
        ("changes", True, _list(_check_FieldChange)),
        ("match", True, _check_MatchFields),
    ])


def _check_ProductState(value: object, path: str) -> None:
    _members(value, path, [
        ("name", True, _text),
        ("category", True, _text),
        ("brand", False, _union(_null, _text)),
        ("description", False, _union(_null, _text)),
        ("price", True, _check_Price),
        ("stock", False, _union(_null, _long)),
        ("updatedAt", True, _like(r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)([.][0-9]+)?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$", "a time in RFC 3339")),
    ])


def _check_Price(value: object, path: str) -> None:
    _members(value, path, [
        ("amount", True, _like(r"^[0-9]+([.][0-9]+)?$", "an amount as text, digits with a decimal point")),
        ("currency", True, _text),
    ])


def _check_FieldChange(value: object, path: str) -> None:
    _members(value, path, [
        ("field", True, _text),
        ("from", False, _any),
        ("to", False, _any),
    ])


def _check_ProductDiscontinued(value: object, path: str) -> None:
    _members(value, path, [
        ("productId", True, _text),
        ("revision", True, _long),
        ("version", True, _long),
        ("reason", False, _union(_null, _text)),
        ("lastState", True, _check_ProductState),
        ("match", True, _check_MatchFields),
    ])


def parse_product_changed(value: object) -> ProductChanged:
    """The value, if it is one; raises `InvalidData` where it is not. Members that are not known are passed over, and stay."""
    _check_ProductChanged(value, "")
    return cast("ProductChanged", value)


def parse_product_discontinued(value: object) -> ProductDiscontinued:
    """The value, if it is one; raises `InvalidData` where it is not. Members that are not known are passed over, and stay."""
    _check_ProductDiscontinued(value, "")
    return cast("ProductDiscontinued", value)

ProductChangedEvent = TypedDict("ProductChangedEvent", {
    "type": Literal["com.contoso.product.changed.v1"],
    #: Version of CloudEvents.
    "specversion": Literal["1.0"],
    #: The same in each delivery of the event: with the source it tells a repeat.
    "id": str,
    #: Who tells it.
    "source": str,
    #: What it is about, as the id of a product.
    "subject": NotRequired[str],
    #: When it happened, RFC 3339.
    "time": NotRequired[str],
    #: application/json
    "datacontenttype": NotRequired[str],
    #: Where its schema is registered.
    "dataschema": NotRequired[str],
    #: Whom it is for: all, a partner, or one subscription of a partner.
    "audience": NotRequired[str],
    #: What orders it among others.
    "partitionkey": NotRequired[str],
    #: Of one subject the higher is the later: digits, as text, since a double would round them.
    "sequence": NotRequired[str],
    #: The job that sent it once more.
    "redelivery": NotRequired[str],
    #: An example that was asked for: nothing happened.
    "test": NotRequired[bool],
    #: The span that caused it (W3C Trace Context).
    "traceparent": NotRequired[str],
    #: Goes with traceparent.
    "tracestate": NotRequired[str],
    "data": "ProductChanged",
})

ProductDiscontinuedEvent = TypedDict("ProductDiscontinuedEvent", {
    "type": Literal["com.contoso.product.discontinued.v1"],
    #: Version of CloudEvents.
    "specversion": Literal["1.0"],
    #: The same in each delivery of the event: with the source it tells a repeat.
    "id": str,
    #: Who tells it.
    "source": str,
    #: What it is about, as the id of a product.
    "subject": NotRequired[str],
    #: When it happened, RFC 3339.
    "time": NotRequired[str],
    #: application/json
    "datacontenttype": NotRequired[str],
    #: Where its schema is registered.
    "dataschema": NotRequired[str],
    #: Whom it is for: all, a partner, or one subscription of a partner.
    "audience": NotRequired[str],
    #: What orders it among others.
    "partitionkey": NotRequired[str],
    #: Of one subject the higher is the later: digits, as text, since a double would round them.
    "sequence": NotRequired[str],
    #: The job that sent it once more.
    "redelivery": NotRequired[str],
    #: An example that was asked for: nothing happened.
    "test": NotRequired[bool],
    #: The span that caused it (W3C Trace Context).
    "traceparent": NotRequired[str],
    #: Goes with traceparent.
    "tracestate": NotRequired[str],
    "data": "ProductDiscontinued",
})

#: An event of a type that came later, or a notice. Take it, and pass it over.
OtherEvent = TypedDict("OtherEvent", {
    "type": str,
    #: Version of CloudEvents.
    "specversion": Literal["1.0"],
    #: The same in each delivery of the event: with the source it tells a repeat.
    "id": str,
    #: Who tells it.
    "source": str,
    #: What it is about, as the id of a product.
    "subject": NotRequired[str],
    #: When it happened, RFC 3339.
    "time": NotRequired[str],
    #: application/json
    "datacontenttype": NotRequired[str],
    #: Where its schema is registered.
    "dataschema": NotRequired[str],
    #: Whom it is for: all, a partner, or one subscription of a partner.
    "audience": NotRequired[str],
    #: What orders it among others.
    "partitionkey": NotRequired[str],
    #: Of one subject the higher is the later: digits, as text, since a double would round them.
    "sequence": NotRequired[str],
    #: The job that sent it once more.
    "redelivery": NotRequired[str],
    #: An example that was asked for: nothing happened.
    "test": NotRequired[bool],
    #: The span that caused it (W3C Trace Context).
    "traceparent": NotRequired[str],
    #: Goes with traceparent.
    "tracestate": NotRequired[str],
    "data": NotRequired[object],
})

#: An event of a type that this module knows: `event["type"]` tells which.
KnownEvent: TypeAlias = ProductChangedEvent | ProductDiscontinuedEvent

_EVENTS: dict[str, _Check] = {
    "com.contoso.product.changed.v1": _check_ProductChanged,
    "com.contoso.product.discontinued.v1": _check_ProductDiscontinued,
}


def is_known_event(event: KnownEvent | OtherEvent) -> TypeGuard[KnownEvent]:
    """Whether this module knows the type of an event."""
    return event["type"] in _EVENTS


def parse_event(value: object) -> KnownEvent | OtherEvent:
    """The event, with its data checked where its type is known; raises `InvalidData` where it is none."""
    _members(value, "", [
        ("type", True, _like("(?s:.+)", "a text")),
        ("specversion", True, _like("1[.]0", "1.0")),
        ("id", True, _like("(?s:.+)", "a text")),
        ("source", True, _like("(?s:.+)", "a text")),
        ("subject", False, _text),
        ("time", False, _text),
        ("datacontenttype", False, _text),
        ("dataschema", False, _text),
        ("audience", False, _text),
        ("partitionkey", False, _text),
        ("sequence", False, _text),
        ("redelivery", False, _text),
        ("test", False, _boolean),
        ("traceparent", False, _text),
        ("tracestate", False, _text),
    ])
    event = cast("OtherEvent", value)
    check = _EVENTS.get(event["type"])
    if check is not None:
        check(_object(value, "").get("data"), "data")
    return event
