"""``linetap terms``: what this site calls things."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.asking import ApiPort, Asking
from appliance.cli.options import AsJson, Host, Timeout

terms = typer.Typer(no_args_is_help=True, help="Show and change what this site calls things.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the term, such as user1.")]
Word = Annotated[str, typer.Argument(metavar="WORD", help="What it is called.")]


@terms.command("list")
def list_terms(
    host: Host = "127.0.0.1", port: ApiPort = 5620, timeout_s: Timeout = 10, as_json: AsJson = False
) -> None:
    """List the terms."""
    Asking(host, port, timeout_s, as_json).show("FETCHTERMINOLOGY", "SETTINGS/TERMINOLOGY", ("NAME", "VALUE"))


@terms.command()
def add(
    name: Name,
    word: Word,
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Add a term."""
    Asking(host, port, timeout_s, as_json).change("IMPORTTERMINOLOGY", ACTION="ADD", NAME=name, VALUE=word)


@terms.command()
def edit(
    name: Name,
    word: Word,
    host: Host = "127.0.0.1",
    port: ApiPort = 5620,
    timeout_s: Timeout = 10,
    as_json: AsJson = False,
) -> None:
    """Call a term something else."""
    Asking(host, port, timeout_s, as_json).change("IMPORTTERMINOLOGY", ACTION="MODIFY", NAME=name, VALUE=word)


@terms.command()
def remove(
    name: Name, host: Host = "127.0.0.1", port: ApiPort = 5620, timeout_s: Timeout = 10, as_json: AsJson = False
) -> None:
    """Take back a change, or a term that was added."""
    Asking(host, port, timeout_s, as_json).change("IMPORTTERMINOLOGY", ACTION="DELETE", NAME=name)
