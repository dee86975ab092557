"""What a field of a record is: its meaning, its column and its words, which tables and documentation are made from."""

from __future__ import annotations

import types
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """The annotation of a field: ``speed_ratio: Annotated[float, Figure("how many times faster the student is")]``.

    Attributes:
        meaning: what it is, for the documentation; of a group of fields, what they are of.
        prefix: what the columns' names of a group begin with.
        rank: a field of a higher rank stands further right in a table; in JSON the order is that of the fields.
        words: how terminal and report state it, a template of ``str.format`` with the fields of its class.
    """

    meaning: str
    prefix: str = ""
    rank: int = 0
    words: str = ""


@dataclass(frozen=True)
class Column:
    """A column of a table.

    Attributes:
        name: its head.
        meaning: what it holds.
    """

    name: str
    meaning: str


@dataclass(frozen=True)
class _Member:
    """One field of a record's class: its name in Python, its name in JSON, what it holds and its annotation."""

    name: str
    alias: str
    kind: Any
    figure: Figure


def as_dict(record: Any) -> dict[str, object]:  # noqa: ANN401 - any dataclass
    """Return a record as plain values for JSON, in the order of its fields."""
    return dict(_adapter(type(record)).dump_python(record, mode="json", by_alias=True))


def from_dict(kind: type[T], plain: Mapping[str, Any]) -> T:
    """Return the record that :func:`as_dict` made plain; what it has no field for is passed over.

    Raises:
        ValueError: if something is missing, or is of another type.
    """
    found: T = _adapter(kind).validate_python(plain)
    return found


def columns(*kinds: Any, keys: tuple[str, ...] = ()) -> Iterator[Column]:  # noqa: ANN401 - any dataclass
    """Yield the columns of a table whose rows hold a record of each of some classes.

    Args:
        kinds: the classes.
        keys: the keys of mappings, such as the class labels of ``probabilities``.
    """
    members = sorted((member for kind in kinds for member in _members(kind)), key=lambda member: member.figure.rank)
    for member in members:
        figure = member.figure
        if is_dataclass(member.kind):
            for column in columns(member.kind, keys=keys):
                yield Column(figure.prefix + column.name, column.meaning)
        elif get_origin(member.kind) is dict:
            for key in keys:
                yield Column(figure.prefix + key, figure.meaning)
        else:
            yield Column(member.alias, figure.meaning)


def cells(record: Any) -> Iterator[tuple[str, object]]:  # noqa: ANN401 - any dataclass
    """Yield the cells of a record, by column; those of what is None are left out, a list's items get spaces between."""
    for member in _members(type(record)):
        value = getattr(record, member.name)
        if value is None:
            continue
        if is_dataclass(value):
            yield from ((member.figure.prefix + name, cell) for name, cell in cells(value))
        elif isinstance(value, Mapping):
            yield from ((member.figure.prefix + key, cell) for key, cell in value.items())
        else:
            yield member.alias, " ".join(value) if isinstance(value, tuple) else value


def in_words(record: Any, **more: str) -> list[str]:  # noqa: ANN401 - any dataclass
    """Return those figures of a record that have words, in words; one that is None is left out.

    Args:
        record: the record.
        more: what the templates need beside the record's own fields.
    """
    values = {member.name: getattr(record, member.name) for member in _members(type(record))}
    return [
        member.figure.words.format(**values, **more)
        for member in _members(type(record))
        if member.figure.words and values[member.name] is not None
    ]


def _read_members(kind: type[Any]) -> tuple[_Member, ...]:
    """Return the fields of a record's class.

    Raises:
        TypeError: if one has no ``Figure``: it would be in no table and in no documentation.
    """
    hints = get_type_hints(kind, include_extras=True)
    found = []
    for field in fields(kind):
        hint = hints[field.name]
        notes = get_args(hint)[1:] if get_origin(hint) is Annotated else ()
        figure = next((note for note in notes if isinstance(note, Figure)), None)
        if figure is None:
            raise TypeError(f"{kind.__name__}.{field.name} needs a Figure with its meaning")
        alias = next((note.alias for note in notes if isinstance(note, FieldInfo) and note.alias), field.name)
        found.append(_Member(field.name, alias, _without_none(get_args(hint)[0]), figure))
    return tuple(found)


def _without_none(kind: Any) -> Any:  # noqa: ANN401 - a type, or what stands for one
    if get_origin(kind) is not types.UnionType:
        return kind
    (only,) = (part for part in get_args(kind) if part is not type(None))
    return only


# mypy takes no class for hashable
_adapter: Callable[[Any], TypeAdapter[Any]] = cache(TypeAdapter)
_members: Callable[[Any], tuple[_Member, ...]] = cache(_read_members)
