"""What every message of a graph's file must keep to, and how a refusal shows a stranger's names."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from core.errors import BundleError
from core.names import readable

if TYPE_CHECKING:
    from google.protobuf.message import Message

MAX_NAME = 500  # characters

ASK = "Do not use this model: ask whoever made it for another export."
EXPORT = "Export the model again, for inference."

# the parts of each message that a classifier needs; others are refused
PARTS = {
    "ModelProto": "ir_version producer_name producer_version domain model_version doc_string graph opset_import "
    "metadata_props",
    "GraphProto": "name doc_string node initializer input output value_info metadata_props",
    "NodeProto": "name doc_string op_type domain input output attribute metadata_props",
    "AttributeProto": "name doc_string type f i s t floats ints strings",
    "TensorProto": "name doc_string dims data_type raw_data float_data int32_data int64_data double_data external_data "
    "data_location metadata_props",
    "ValueInfoProto": "name doc_string type metadata_props",
    "OperatorSetIdProto": "domain version",
    "StringStringEntryProto": "key value",
}


def check_parts(message: Message) -> None:
    """Refuse a message with a part that is not in ``PARTS``, or with a text that is none or absurdly long."""
    kind = message.DESCRIPTOR.name
    allowed = PARTS[kind].split()
    for field, value in message.ListFields():
        if field.name not in allowed:
            raise BundleError(
                f"The graph holds {field.name.replace('_', ' ')} ({kind}), which a classifier does not need.",
                remedy=EXPORT,
            )
        if field.type == field.TYPE_STRING and field.name != "doc_string":
            for name in [value] if isinstance(value, str | bytes) else value:
                _check_name(name)


def _check_name(name: str | bytes) -> None:
    """Refuse a name of absurd length, or one that protobuf returns as bytes because it is not UTF-8."""
    if isinstance(name, bytes):
        raise BundleError(f"The graph holds {shown(name)}, which is not text.", remedy=ASK)
    if len(name) > MAX_NAME:
        raise BundleError(f"The graph holds a name of {len(name):,} characters.", remedy=ASK)


def shown(name: str | bytes) -> str:
    """Return a stranger's name for a message: short, and without what could control a terminal."""
    if isinstance(name, bytes):
        name = name.decode("utf-8", "backslashreplace")
    return repr(readable(name if len(name) <= 80 else f"{name[:79]}…"))


def axes(shape: Iterable[int | None]) -> str:
    """Return a shape for a message; an unknown axis is a question mark."""
    return f"({', '.join('?' if length is None else str(length) for length in list(shape)[:9])})"
