"""What SIPREC says of one call: its fields, who speaks on which leg, and the documents themselves."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Sequence
from typing import Any, Final, final

from drivers.contract import Party
from drivers.taps.sip._message import Message, user_of
from drivers.taps.sip._options import Options
from drivers.taps.sip._parties import MAX_LEGS, parties
from drivers.taps.sip.siprec._document import Document
from drivers.taps.sip.siprec._metadata import Metadata, Participant

logger = logging.getLogger(__name__)

_MOST_DOCUMENTS: Final = 100
_MOST_CHARACTERS: Final = 1 << 20


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Kept:
    """A document as it came. ``by`` is the request's CSeq, ``at_mono_s`` its moment by CLOCK_MONOTONIC."""

    text: str
    by: str
    at_mono_s: float


@final
class SiprecCall:
    """One call, from its INVITE on; it is a SIPREC call when a document came.

    Parameters
    ----------
    invite
        The request that began it; rules may name its headers.
    """

    def __init__(self, options: Options, invite: Message) -> None:
        self.documents: list[Kept] = []
        self._options = options
        self._invite = invite
        self._labels = invite.labels()
        self._metadata = Metadata()
        self._characters = 0

    def take(self, text: str, by: str, at_mono_s: float) -> None:
        """Read a document and keep it. One that came already (a repeated request) is left out."""
        if any(kept.by == by for kept in self.documents):
            return
        document = Document.read(text)
        if document.fault:
            logger.warning("call %s: metadata of %s %s", self._invite.call_id, by, document.fault)
        self._metadata.take(document)
        self._characters += len(text)
        if len(self.documents) < _MOST_DOCUMENTS and self._characters <= _MOST_CHARACTERS:
            self.documents.append(Kept(text, by, at_mono_s))
        else:
            logger.warning("call %s: no more metadata is kept with the recording", self._invite.call_id)

    @property
    def parties(self) -> tuple[Party, Party]:
        """Who speaks on leg 0 and leg 1."""
        by_label = parties(self._labels, self._options.caller_labels)
        known = self._agents()
        if len(self._labels) < MAX_LEGS:
            return self._first_party(known) or by_label
        agents = [any(one in known for one in self._metadata.senders(label)) for label in self._labels[:MAX_LEGS]]
        if agents[0] == agents[1]:
            return by_label
        return (Party.AGENT, Party.CALLER) if agents[0] else (Party.CALLER, Party.AGENT)

    def _first_party(self, agents: Sequence[Participant]) -> tuple[Party, Party] | None:
        """Of a call that begins with one stream, on which one of several speaks; None where it carries all."""
        senders = self._metadata.senders(self._labels[0]) if self._labels else []
        if len(senders) != 1 or len(self._metadata.participants) < MAX_LEGS:
            return None
        return (Party.AGENT, Party.CALLER) if senders[0] in agents else (Party.CALLER, Party.AGENT)

    def party_of(self, label: str) -> Party | None:
        """Who speaks on the stream of that label; None where the metadata does not tell."""
        senders = self._metadata.senders(label)
        if len(senders) != 1:
            return None
        return next(
            (p for p, one in ((Party.CALLER, self.caller), (Party.AGENT, self.agent)) if one == senders[0]), None
        )

    def is_paused(self, label: str) -> bool:
        """Whether the metadata says that nobody sends on the stream of that label any more."""
        return self._metadata.is_paused(label)

    @property
    def direction(self) -> str:
        """Which way the call went, I or O from where we stand; empty where nobody said who placed it."""
        agent, caller = self.agent, self.caller
        if agent is not None and agent.calling:
            return "O"
        return "I" if caller is not None and caller.calling else ""

    @property
    def caller(self) -> Participant | None:
        """Who the other side is."""
        return self._person(Party.CALLER)

    @property
    def agent(self) -> Participant | None:
        """Who of our side takes part."""
        return self._person(Party.AGENT)

    def fields(self) -> dict[str, str]:
        """Fields by the options' mapping; those for which nothing is found are left out. None without a document."""
        if not self.documents:
            return {}
        found = {field: self._first(rules) for field, rules in self._options.metadata.items()}
        return {field: value for field, value in found.items() if value}

    def facts(self) -> dict[str, Any]:
        """What belongs into the recording's proof beside the documents."""
        people = [dataclasses.asdict(p) for p in self._metadata.participants.values()]
        return {"siprec": {"participants": people, "fields": self.fields(), "documents": len(self.documents)}}

    def document_facts(self, number: int) -> dict[str, Any]:
        """Document ``number`` (from 0) as a fact of its own."""
        return {f"siprec_document{number}": dataclasses.asdict(self.documents[number])}

    def _first(self, rules: Sequence[str]) -> str:
        return next((value for value in map(self._by_rule, rules) if value), "")

    def _by_rule(self, rule: str) -> str:
        kind, _, name = rule.partition(":")
        if kind == "element":
            return self._metadata.elements.get(name.lower(), "")
        if kind == "element-user":
            told = self._metadata.elements.get(name.lower(), "")
            return user_of(told) or told
        if rule == "direction":
            return self.direction
        who, _, what = rule.partition("-")
        if who in {"caller", "agent"}:
            person = self.caller if who == "caller" else self.agent
            return "" if person is None else str(getattr(person, what))
        return self._invite.device((rule,))

    def _person(self, party: Party) -> Participant | None:
        """By the patterns of agents, else by the streams' labels, else in their order."""
        people = list(self._metadata.participants.values())
        if agents := self._agents():
            others = [p for p in people if p not in agents]
            return agents[0] if party is Party.AGENT else others[0]
        for label, speaks in zip(self._labels, self.parties, strict=False):
            senders = self._metadata.senders(label)
            if speaks is party and len(senders) == 1:
                return senders[0]
        place = 0 if party is Party.CALLER else 1
        return people[place] if place < len(people) else None

    def _agents(self) -> list[Participant]:
        """Who is an agent: by the patterns, else who did not place the call; none where that does not part them."""
        people = list(self._metadata.participants.values())
        agents = [p for p in people if self._is_agent(p)]
        if not 0 < len(agents) < len(people) and not self._options.caller_labels:
            agents = [p for p in people if p.calling is False]
        return agents if len(agents) < len(people) else []

    def _is_agent(self, person: Participant) -> bool:
        return self._options.is_agent(person.user) or self._options.is_agent(person.aor)
