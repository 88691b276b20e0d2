"""``linetap terms``: what this site calls things."""

from __future__ import annotations

from typing import Annotated

import typer

from appliance.cli.asking import Asking, asks

terms = typer.Typer(no_args_is_help=True, help="Show and change what this site calls things.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name of the term, such as user1.")]
Word = Annotated[str, typer.Argument(metavar="WORD", help="What it is called.")]


@terms.command("list")
@asks
def list_terms(box: Asking) -> None:
    """List the terms."""
    box.show("FETCHTERMINOLOGY", "SETTINGS/TERMINOLOGY", ("NAME", "VALUE"))


@terms.command()
@asks
def add(box: Asking, name: Name, word: Word) -> None:
    """Add a term."""
    box.change("IMPORTTERMINOLOGY", ACTION="ADD", NAME=name, VALUE=word)


@terms.command()
@asks
def edit(box: Asking, name: Name, word: Word) -> None:
    """Call a term something else."""
    box.change("IMPORTTERMINOLOGY", ACTION="MODIFY", NAME=name, VALUE=word)


@terms.command()
@asks
def remove(box: Asking, name: Name) -> None:
    """Take back a change, or a term that was added."""
    box.change("IMPORTTERMINOLOGY", ACTION="DELETE", NAME=name)
