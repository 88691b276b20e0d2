"""How commands ask a running box over port 5620, and show what it says.

They use the messages that any integrator has, so that a change is judged, done and put into the audit in one place
alone, and can be made from another machine. Where the interface had no message for it, the box has one of its own.
"""

from __future__ import annotations

import dataclasses
import functools
import inspect
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Concatenate, Final, ParamSpec, final

import typer

from appliance.cli.access import tls
from appliance.cli.options import AsJson, Host, Timeout

if TYPE_CHECKING:
    from appliance.client import Answer

ApiPort = Annotated[int, typer.Option("--port", help="Port of the XML API.")]
P = ParamSpec("P")
API_OK = 20
_ENVELOPE = ("REQUESTTYPE", "REQUESTID", "RESULTTYPE", "RESULTCODE", "RESULTMSG")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Asking:
    """A box to ask, and whether to print JSON, whose names are those of the wire."""

    host: str
    port: int
    timeout_s: float
    as_json: bool

    def ask(self, kind: str, **values: str | int | None) -> Answer:
        """Send one message with the values that are not None. Raises LinetapError for a refusal, UnreachableError."""
        from appliance.client import Client
        from appliance.errors import LinetapError, UnreachableError

        passed = {name: value for name, value in values.items() if value is not None}
        with Client(self.host, self.port, timeout_s=self.timeout_s, context=tls()) as client:
            try:
                answer = client.request({"TYPE": kind, **passed})
            except TimeoutError as error:
                raise UnreachableError(str(error)) from error
        if answer.code != API_OK:
            raise LinetapError(f"{answer.label} ({answer.code}): {answer.message}")
        return answer

    def change(self, kind: str, **values: str | int | None) -> None:
        """Send one message, and print what it answers beside the envelope."""
        rows = self.ask(kind, **values).rows(".")
        facts = {name: value for name, value in rows[0].items() if name not in _ENVELOPE}
        if self.as_json:
            print(json.dumps(facts))
            return
        for name, value in facts.items():
            print(f"{name:16} {value}".rstrip())

    def show(self, kind: str, path: str, columns: Sequence[str], **values: str | int | None) -> None:
        """Send one message, and print the elements at ``path``: ``columns`` as a table, or all of them as JSON."""
        rows = self.ask(kind, **values).rows(path)
        if self.as_json:
            print(json.dumps(rows))
            return
        table = [list(columns), *([row.get(name, "") for name in columns] for row in rows)]
        widths = [max(len(line[at]) for line in table) for at in range(len(columns))]
        for line in table:
            print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def _options(
    host: Host = "127.0.0.1", port: ApiPort = 5620, timeout_s: Timeout = 10, *, as_json: AsJson = False
) -> Asking:
    return Asking(host, port, timeout_s, as_json)


_SAYS_WHICH: Final = tuple(inspect.signature(_options, eval_str=True).parameters.values())


def asks(command: Callable[Concatenate[Asking, P], None]) -> Callable[..., None]:
    """Make a command of a function that takes the box first: its options say which box that is."""
    _, *own = inspect.signature(command, eval_str=True).parameters.values()

    @functools.wraps(command)
    def ask(*arguments: P.args, **values: P.kwargs) -> None:
        which: dict[str, Any] = {one.name: values.pop(one.name) for one in _SAYS_WHICH}
        command(_options(**which), *arguments, **values)

    ask.__dict__["__signature__"] = inspect.Signature(
        [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in (*own, *_SAYS_WHICH)]
    )
    return ask


def letter(*, value: bool) -> str | None:
    """Give Y, or None for what need not be said."""
    return "Y" if value else None
