"""``linetap cards``: the sound cards of the machine, and the lines that name them."""

from __future__ import annotations

import dataclasses
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from appliance.cli.options import AsJson

if TYPE_CHECKING:
    from drivers.taps.soundcard.cards import CardInfo


def cards(
    udev: Annotated[
        bool,
        typer.Option(
            "--udev", help="Print a file of udev rules: names by port, and by serial number where one is unique."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """List sound cards.

    With the settings line of each, and the udev lines that would keep its name; exit code 1 if there is none.
    """
    from drivers.taps.soundcard.cards import cards as all_cards

    found = all_cards()
    numbers = itertools.count(1)
    named = [(card, card.rules(f"LINE{next(numbers)}") if card.inputs else {}) for card in found]
    if as_json:
        print(json.dumps([{**dataclasses.asdict(card), "udev": rules} for card, rules in named]))
    elif udev:
        print("\n".join(_file(named)))
    else:
        for card, rules in named:
            _show(card, rules)
        if not found:
            print("no sound cards")
    raise typer.Exit(0 if found else 1)


def _file(named: Sequence[tuple[CardInfo, Mapping[str, str]]]) -> Iterator[str]:
    """Write a rule for each port, and behind it one that finds its card again at any other port."""
    serials = [card.serial for card, _ in named]
    for card, rules in named:
        if "port" in rules:
            yield rules["port"]
        if "serial" in rules and serials.count(card.serial) == 1:
            yield rules["serial"]


def _show(card: CardInfo, rules: Mapping[str, str]) -> None:
    print(f"card {card.number}  {card.id}  {card.description}")
    if not card.inputs:
        print("  has no inputs")
    for device in card.devices:
        print(f'  settings         device = "{device}"')
    for by, rule in rules.items():
        print(f"  udev, by {by:<8}{rule}")
