"""The demonstration from begin to end."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import shutil
import sys
import time
from pathlib import Path
from typing import Final, TextIO, final

import soundfile

from appliance.client import Answer, Client, EventSeen
from appliance.demo.checks import Check, check_call
from appliance.demo.voices import AGENT, CALLER, SPEAKER, Dialogue, speak, write_leg
from appliance.errors import UnreachableError
from hil.child_box import HOST, BoxError, ChildBox
from hil.event_log import EventLog
from hil.peers.call_plan import CallPlan
from hil.peers.sip_caller import CallFailedError, SipCaller
from hil.ports import free_sip_port

DEVICE: Final = "5001"
CALLER_NUMBER: Final = "15551234567"
ACCOUNT: Final = "A-2041"
TAIL_S: Final = 0.2
OK: Final = 20
_MARKER: Final = ".linetap-demo"


class DemoError(Exception):
    """The demonstration could not be carried out."""


def run(*, as_json: bool = False) -> int:
    """Carry it out in ``demo/`` below the working directory; 0 only if the audio was checked and right.

    With ``as_json`` the story goes to standard error and one JSON object to standard output.
    """
    missing = _missing()
    if missing:
        print(f"linetap demo needs {' and '.join(missing)}", file=sys.stderr)
        return 1
    show = Show(sys.stderr if as_json else sys.stdout)
    try:
        outcome = _carry_out(show, _make_folder())
    except (DemoError, BoxError, CallFailedError, UnreachableError, TimeoutError) as error:
        print(f"linetap demo: {error}", file=sys.stderr)
        return 1
    if as_json:
        print(json.dumps(outcome.facts()))
    return 0 if outcome.good else 1


def _missing() -> list[str]:
    missing = [] if shutil.which(SPEAKER) else [f"{SPEAKER} (Debian package {SPEAKER})"]
    if importlib.util.find_spec("pjsua2") is None:
        missing.append('pjsua2 (pip install "linetap[sip]")')
    return missing


def _make_folder() -> Path:
    """Make ``demo/`` anew; one that is not ours is left alone, and the next free number taken."""
    for name in ("demo", *(f"demo-{n}" for n in range(2, 100))):
        folder = Path.cwd() / name
        if (folder / _MARKER).exists():
            shutil.rmtree(folder)
        if not folder.exists():
            folder.mkdir()
            (folder / _MARKER).touch()
            return folder
    raise DemoError("demo/ and 98 more folders are in the way")


@final
class Show:
    """Prints what happens, with the seconds since the begin."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._begun_s = time.monotonic()

    @property
    def elapsed_s(self) -> float:
        """Seconds since the begin."""
        return time.monotonic() - self._begun_s

    def step(self, text: str) -> None:
        """Print a step."""
        print(f"{self.elapsed_s:6.2f}  {text}", file=self._out, flush=True)

    def event(self, event: EventSeen) -> None:
        """Print an event as it comes."""
        wanted = ("DEVICEID", "CHANNEL", "ERRORREASON", "USER1", "RECORDID", "FILENAME")
        data = "  ".join(f"{name}={event.data[name]}" for name in wanted if event.data.get(name))
        self.step(f"   <- {event.event_type:17} {data}")

    def check(self, check: Check) -> None:
        """Print a check."""
        self.step(f"   {'ok    ' if check.good else 'FAILED'} {check.what}: {check.found}")


@final
@dataclasses.dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it."""

    checks: list[Check]
    files: dict[str, Path]
    seconds: float

    @property
    def good(self) -> bool:
        """Whether everything was checked and right."""
        return bool(self.checks) and all(check.good for check in self.checks)

    def facts(self) -> dict[str, object]:
        """The same as plain values."""
        return {
            "good": self.good,
            "seconds": round(self.seconds, 2),
            "checks": [dataclasses.asdict(check) for check in self.checks],
            "files": {name: str(path) for name, path in self.files.items()},
        }


def _carry_out(show: Show, folder: Path) -> Outcome:
    show.step(f"two voices: {SPEAKER} speaks {folder.name}/caller.wav and agent.wav")
    dialogue = speak()
    sounds = [write_leg(dialogue, leg, folder / name) for leg, name in ((CALLER, "caller.wav"), (AGENT, "agent.wav"))]
    port = free_sip_port(1)
    tap = {"name": "trunk", "kind": "sip", "port": port, "calls": 4}
    with ChildBox(folder / "box", taps=[tap], sections={"recording": {"reserve_mb": 1}}) as box:
        show.step(f"a box is ready: commands {HOST}:{box.api_port}, events :{box.events_port}, web :{box.web_port}")
        recording, call_s = _record_call(show, box, port, sounds, dialogue)
        mp3 = _export(show, box, folder / "call.mp3")
        wav = _export(show, box, folder / "call.wav")
    samples, rate_hz = soundfile.read(mp3, dtype="int16", always_2d=True)
    show.step("checking call.mp3 against what was said")
    checks = check_call(samples, rate_hz, dialogue, call_s)
    for check in checks:
        show.check(check)
    files = {"mp3": mp3, "wav": wav, "recording": recording, "record": Path(f"{recording}.json")}
    files |= {"settings": box.settings_path, "log": box.log_path}
    for name, path in files.items():
        show.step(f"{name:10} {path}")
    outcome = Outcome(checks, files, show.elapsed_s)
    show.step("everything is right" if outcome.good else "NOT everything is right")
    return outcome


def _record_call(show: Show, box: ChildBox, port: int, sounds: list[Path], dialogue: Dialogue) -> tuple[Path, float]:
    """Drive one call over ports 5620 and 5621; gives the recording's file and the call's length in seconds."""
    plan = CallPlan(
        number=0,
        uri=f"sip:{DEVICE}@{HOST}:{port}",
        sounds=tuple(str(path) for path in sounds),
        from_user=CALLER_NUMBER,
        headers={"X-Device": DEVICE},
        duration_s=dialogue.seconds + TAIL_S,
    )
    with box.client() as client, EventLog(box.events(), show.event) as log:
        _send(show, client, "CALLSTART", DEVICEID=DEVICE, DEVICEALIAS="Desk 1", ANI=CALLER_NUMBER, USER1="new")
        with SipCaller([plan]) as phone:
            begun_s = phone.wait("answered", timeout_s=10)[0].at_s
            show.step(f"   a SIP phone calls {plan.uri} and speaks for {dialogue.seconds:.1f} s")
            time.sleep(dialogue.seconds / 2)
            _send(show, client, "CALLUPDATE", DEVICEID=DEVICE, USER1="known", USER2=ACCOUNT)
            ended = phone.wait("ended", timeout_s=dialogue.seconds + 10)[0]
        show.step("   the phone hung up")
        _send(show, client, "CALLSTOP", DEVICEID=DEVICE)
        saved = log.wait("RECORDINGUPDATE", DEVICE, timeout_s=15)
    return Path(saved.data["FILENAME"]), ended.at_s - begun_s


def _send(show: Show, client: Client, kind: str, **values: str) -> Answer:
    answer = client.request({"TYPE": kind, **values})
    fields = "  ".join(f"{name}={value}" for name, value in values.items())
    show.step(f"-> {kind}  {fields}")
    show.step(f"   {answer.code} {answer.message}")
    if answer.code != OK:
        raise DemoError(f"{kind} was answered with {answer.code} {answer.label}: {answer.message}")
    return answer


def _export(show: Show, box: ChildBox, path: Path) -> Path:
    media_format = path.suffix[1:]
    body, kind = box.web(type="export", requestid=1, uniquefield="user2", uniqueid=ACCOUNT, media_format=media_format)
    if not kind.startswith("audio/"):
        raise DemoError(f"EXPORT was answered with {body[:500]!r}")
    path.write_bytes(body)
    show.step(f"EXPORT user2={ACCOUNT} as {media_format}: {len(body)} bytes of {kind}")
    return path
