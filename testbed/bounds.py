"""What a choice may be, said beside it: annotations that are checked before anything is made."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from numbers import Integral, Real
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, ClassVar, Protocol, Union, get_args, get_origin, get_type_hints, runtime_checkable

from testbed.errors import UserError, choose_one


@runtime_checkable
class Bound(Protocol):
    """What a value is held to."""

    def fault(self, value: Any) -> str | None:
        """Return how to mend a value that will not do, or None."""
        ...


@dataclass(frozen=True)
class Between:
    """Numbers from `low` to `high`; whole ones where `low` is whole."""

    low: float
    """The least."""
    high: float
    """The greatest."""
    above: bool = False
    """Whether the least itself is too little."""

    def fault(self, value: Any) -> str | None:
        """Return how to mend a value that is no such number."""
        whole = isinstance(self.low, int)
        if isinstance(value, Integral if whole else Real) and self._holds(value):
            return None
        low, high = (self.low, self.high) if whole else (f"{self.low:g}", f"{self.high:g}")
        span = f"above {low} and up to {high}" if self.above else f"from {low} to {high}"
        return f"give a {'whole ' if whole else ''}number {span}"

    def _holds(self, value: Any) -> bool:
        return (self.low < value if self.above else self.low <= value) and value <= self.high  # NaN: never


@dataclass(frozen=True)
class Output:
    """Says of an argument that something is made there; so tests find every such place."""

    folder: bool = False
    """Whether it is a folder, else a file."""
    names: tuple[str, ...] = ()
    """Files that are put into a folder beside whatever else is there; the whole folder is made if none are named."""
    ending: str = ""
    """What a file's name ends in, where its readers go by that."""

    def fault(self, value: Path) -> str | None:
        """Return how to mend a path at which nothing of the kind can be made."""
        what = "folder" if self.folder else "file"
        if value.name in ("", "..") and not self.names:
            return f"give a {what} with a name of its own"
        if self.ending and value.suffix.lower() != self.ending:
            return f"give a name that ends in {self.ending}, which is what will be in it"
        if value.is_file() if self.folder else value.is_dir():
            return f"a {'file' if self.folder else 'folder'} is there, give the name of a {what}"
        return None


class NotEmpty:
    """At least one."""

    def fault(self, value: tuple[object, ...]) -> str | None:
        """Return how to mend an empty list."""
        return None if value else "give at least one"


@dataclass(frozen=True)
class Known:
    """Names of a table, which is looked at when one is asked for."""

    names: Callable[[], Iterable[str]]
    """Returns the valid ones."""

    def fault(self, value: str) -> str | None:
        """Return how to mend a name that is not in the table."""
        return None if value in (valid := list(self.names())) else choose_one(value, valid)


Count = Annotated[int, Between(1, 1_000_000)]
Steps = Annotated[int, Between(1, 1_000_000_000)]
Scenes = Annotated[int, Between(1, 10_000)]
Several = Annotated[int, Between(2, 10_000)]
TrainingSeeds = Annotated[int, Between(1, 1_000)]
Width = Annotated[int, Between(1, 4_096)]
Memory = Annotated[int, Between(0, 4_096)]
Workers = Annotated[int, Between(1, 1_024)]
Seed = Annotated[int, Between(0, 2**63 - 1)]
SceneSeed = Annotated[int, Between(0, 2**32 - 1)]
Number = Annotated[int, Between(0, 2**31 - 1)]
Share = Annotated[float, Between(0.0, 1.0)]
Dose = Annotated[float, Between(0.0, 1.0, above=True)]
Part = Annotated[float, Between(0.0, 0.95)]
Rate = Annotated[float, Between(0.0, 1.0)]
"""At 0 nothing is learnt: what is begun with stays."""
Iterations = Annotated[int, Between(0, 1_000_000)]
Bits = Annotated[int, Between(2, 16)]
Positive = Annotated[float, Between(0.0, 1e9, above=True)]
Tolerance = Annotated[float, Between(0.0, 1e9)]
OutFile = Annotated[Path, Output()]
Film = Annotated[Path, Output(ending=".mp4")]
Page = Annotated[Path, Output(ending=".html")]
Table = Annotated[Path, Output(ending=".csv")]
Picture = Annotated[Path, Output(ending=".svg")]
Recording = Annotated[Path, Output(ending=".rrd")]
OutFolder = Annotated[Path, Output(folder=True)]
TablesFolder = Annotated[Path, Output(folder=True, names=("transfer.csv", "transfer.parquet", "transfer.html"))]
RunFolder = Annotated[Path, Output(folder=True, names=("report.html",))]


def require(hints: Mapping[str, Any], values: Mapping[str, Any], named: Callable[[str], str] = str) -> None:
    """Raise `UserError` for the first value that is not what its annotation says.

    Args:
        hints: Name -> annotation, with what is `Annotated` (`typing.get_type_hints(..., include_extras=True)`).
        values: Name -> value; those without a hint may be anything.
        named: What a name is called to the user, for example `--steps`.
    """
    for name, hint in hints.items():
        if name in values:
            for value, fault in _faults(hint, values[name]):
                raise UserError(f"{named(name)} {str(value)[:40] or repr(value)}: {fault}")


def _faults(hint: Any, value: Any) -> Iterator[tuple[Any, str]]:
    """Yield what is wrong with a value, and with what it holds."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        yield from _faults(parts[0], value)
        for bound in parts[1:]:
            if isinstance(bound, Bound) and (fault := bound.fault(value)):
                yield value, fault
    elif origin in (Union, UnionType) and value is not None:
        for part in (part for part in parts if part is not NoneType):
            yield from _faults(part, value)
    elif origin is tuple and parts[-1] is Ellipsis:
        for item in value:
            yield from _faults(parts[0], item)


class Checked:
    """A dataclass whose fields are what their annotations say; making one raises `UserError` otherwise."""

    called: ClassVar[str] = "{}"
    """What a field is called to the user."""

    def __post_init__(self) -> None:
        values = {field.name: getattr(self, field.name) for field in fields(self)}  # type: ignore[arg-type]
        require(get_type_hints(type(self), include_extras=True), values, self.called.format)
