

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
