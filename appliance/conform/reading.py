"""Read files of cases (TOML), and refuse what could not be played."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Final, Literal
from xml.sax.saxutils import escape

import pydantic

from appliance.conform.case import OVERS, Case, CaseFileError, Listener, Over, Step
from appliance.conform.template import GIVEN, KINDS, kinds_used, names_kept, names_used

SHIPPED: Final = Path(__file__).parent / "cases"
_Brief = Annotated[str, pydantic.StringConstraints(pattern=r"^(<|[0-9]+ [A-Z_]+(: .*)?$)")]


class _Form(pydantic.BaseModel):
    """Whatever is not declared is a misprint."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class _StepForm(_Form):
    """A step as it is written; the short form of ``answer`` is made a whole document."""

    ask: dict[str, str | int] | None = None
    send: str = ""
    encoding: Literal["utf-8", "cp1252"] = "utf-8"
    split: bool = False
    half_close: bool = False
    get: str = ""
    post: str = ""
    form: str = ""
    status: int = 200
    media_type: str = "text/xml"
    echo: str = ""
    answer: _Brief | Literal[""] = ""
    body: str = ""
    closed: bool = False
    event: str = ""
    told: str = ""
    skip: str = ""
    skip_codes: tuple[int, ...] = ()

    @pydantic.model_validator(mode="after")
    def _one_thing_is_sent(self) -> _StepForm:
        if sum(bool(what) for what in (self.ask, self.send, self.get, self.post)) > 1:
            raise ValueError("a step sends by one of ask, send, get, post")
        if self.answer and not self.answer.startswith("<") and not self.echo and not (self.ask and "TYPE" in self.ask):
            raise ValueError("the short form of answer needs ask with a TYPE, or echo")
        return self

    def step(self) -> Step:
        return Step(
            ask=None if self.ask is None else {name: str(value) for name, value in self.ask.items()},
            send=self.send,
            encoding=self.encoding,
            split=self.split,
            half_close=self.half_close,
            method="POST" if self.post else "GET",
            target=self.get or self.post,
            form=self.form,
            status=self.status,
            media_type=self.media_type,
            answer=self._document(),
            closed=self.closed,
            event=self.event,
            told=self.told,
            skip=self.skip,
            skip_codes=self.skip_codes,
        )

    def _document(self) -> str:
        if not self.answer or self.answer.startswith("<"):
            return self.answer
        head, _, message = self.answer.partition(": ")
        code, label = head.split(" ")
        kind, _, number = self._echoed().partition(" ")
        envelope = (
            ("REQUESTTYPE", kind.upper()),
            ("REQUESTID", number or "0"),
            ("RESULTTYPE", label),
            ("RESULTCODE", code),
            ("RESULTMSG", message or label),
        )
        lines = "".join(f"<{name}>{escape(value)}</{name}>\n" for name, value in envelope)
        body = self.body.removesuffix("\n")
        return f"<RESULT>\n{lines}{body}{chr(10) if body else ''}</RESULT>\n"

    def _echoed(self) -> str:
        """TYPE and REQUESTID that come back."""
        if self.echo or self.ask is None:
            return self.echo
        return f"{self.ask['TYPE']} {self.ask.get('REQUESTID', '0')}"


class _CaseForm(_Form):
    name: str
    says: str
    over: tuple[Over, ...] = ()
    port: Listener = "api"
    events: Literal["", "ALL", "CALL", "RECORD"] = ""
    leaves: str = ""
    step: tuple[_StepForm, ...] = pydantic.Field(min_length=1)
    undo: tuple[_StepForm, ...] = ()

    def case(self, group: str) -> Case:
        return Case(
            group=group,
            name=self.name,
            says=self.says,
            steps=tuple(form.step() for form in self.step),
            undo=tuple(form.step() for form in self.undo),
            overs=self.over or self._possible(),
            port=self.port,
            events=self.events,
            leaves=self.leaves,
        )

    def _possible(self) -> tuple[Over, ...]:
        """Give the transports that the steps can go over."""
        if any(step.send or step.half_close or step.closed or step.told for step in self.step) or self.port == "events":
            return ("tcp",)
        return ("http",) if any(step.get or step.post for step in self.step) else OVERS


class _File(_Form):
    about: str = ""
    case: tuple[_CaseForm, ...] = ()


def read_cases(places: Iterable[Path]) -> list[Case]:
    """Read all files ``*.toml`` of the folders, by name. Raises CaseFileError."""
    cases: list[Case] = []
    for place in places:
        files = sorted(place.glob("*.toml"))
        if not files:
            raise CaseFileError(f"{place}: no files of cases (*.toml)")
        for file in files:
            cases.extend(_read_file(file))
    return cases


def _read_file(file: Path) -> Iterator[Case]:
    try:
        written = _File.model_validate(tomllib.loads(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CaseFileError(f"{file}: {error}") from error
    except pydantic.ValidationError as error:
        faults = (f"{'.'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors())
        raise CaseFileError(f"{file}: {'; '.join(faults)}") from error
    names: set[str] = set()
    for form in written.case:
        if form.name in names:
            raise CaseFileError(f"{file}: {form.name}: there are two of that name")
        names.add(form.name)
        case = form.case(file.stem)
        if fault := _fault_of(case):
            raise CaseFileError(f"{file}: {case.name}: {fault}")
        yield case


def _fault_of(case: Case) -> str:
    """Tell what cannot work: a value that nothing gives, a kind that there is not."""
    known = set(GIVEN)
    for step in (*case.steps, *case.undo):
        texts = [step.send, step.target, step.form, *(step.ask or {}).values(), step.answer, step.event, step.told]
        if fault := _unsendable(step):
            return fault
        for text in texts:
            if unknown := names_used(text) - known:
                return f"nothing before gives {', '.join(sorted(unknown))}"
            if unknown := kinds_used(text) - KINDS.keys():
                return f"no such kind of value: {', '.join(sorted(unknown))}"
            known |= names_kept(text)
    unknown = names_used(case.leaves) - known
    return f"nothing gives {', '.join(sorted(unknown))}" if unknown else ""


def _unsendable(step: Step) -> str:
    if step.target and not (step.target.isascii() and step.target.startswith("/")):
        return f"no target of HTTP: {step.target}"
    try:
        step.send.encode(step.encoding)
    except UnicodeEncodeError as error:
        return f"cannot be sent as {step.encoding}: {error.object[error.start]}"
    return ""
