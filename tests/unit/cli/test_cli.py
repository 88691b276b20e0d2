"""Commands and their exit codes, run as a shell would run them."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from appliance.cli import main
from tests.unit.recording.test_verify import cut, write


class Outcome:
    def __init__(self, code: object, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def linetap(capfd: pytest.CaptureFixture[str]) -> Any:
    def call(*arguments: object) -> Outcome:
        with pytest.raises(SystemExit) as left:
            main([str(argument) for argument in arguments])
        out, err = capfd.readouterr()
        return Outcome(left.value.code, out, err)

    return call


def test_help_names_every_command_and_loads_nothing_heavy() -> None:
    code = "import sys; from appliance.cli import main\ntry: main(['--help'])\nfinally: print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    for command in ("run", "demo", "check-config", "status", "export", "verify"):
        assert f"  {command} " in done.stdout
    loaded = done.stdout.splitlines()[-1].split()
    for heavy in ("numpy", "pydantic", "lxml", "fastapi", "peewee", "soundfile", "pjsua2", "asyncio"):
        assert heavy not in loaded


@pytest.mark.parametrize("arguments", [[], ["fly"], ["export"], ["status", "--port", "x"], ["verify", "/no/where"]])
def test_wrong_usage_is_2(arguments: list[str], linetap: Any) -> None:
    assert linetap(*arguments).code == 2


def test_good_settings_are_0(linetap: Any, tmp_path: Path) -> None:
    file = tmp_path / "linetap.toml"
    file.write_text('[[taps]]\nname = "v"\nkind = "virtual"\n[[schedules]]\nname = "all"\n')
    assert linetap("check-config", "--config", file).code == 0
    facts = json.loads(linetap("check-config", "--config", file, "--json").out)
    assert (facts["good"], facts["taps"], facts["schedules"]) == (True, ["v"], ["all"])
    assert facts["lines"] == 8


@pytest.mark.parametrize("command", ["check-config", "run"])
def test_bad_settings_are_78_and_every_fault_is_told(command: str, linetap: Any, tmp_path: Path) -> None:
    file = tmp_path / "linetap.toml"
    file.write_text("[box]\ncore_id = 0\n[api]\nprt = 5\nport = -1\n")
    done = linetap(command, "--config", file)
    assert done.code == 78
    assert [line.split(": ")[0] for line in done.err.splitlines()] == [f"{file}:{n}" for n in (2, 4, 5)]


@pytest.mark.parametrize("command", ["check-config", "run"])
def test_options_that_cannot_work_here_are_bad_settings(command: str, tmp_path: Path) -> None:
    file = tmp_path / "linetap.toml"
    listeners = "".join(f"[{name}]\nport = 0\n" for name in ("api", "events", "web"))
    tap = '[[taps]]\nname = "w"\nkind = "wavfile"\nfiles = ["none.wav"]\n'
    file.write_text(f'[box]\ndata_dir = "data"\nrun_dir = "run"\n{listeners}{tap}')
    done = run(command, file)
    assert done.returncode == 78
    assert "tap w: " in done.stderr
    assert f"{tmp_path}/none.wav" in done.stderr
    assert "linetap ready" not in done.stdout


@pytest.mark.parametrize("command", ["check-config", "run"])
def test_a_line_that_is_none_cannot_be_assigned(command: str, tmp_path: Path) -> None:
    file = tmp_path / "linetap.toml"
    taps = "".join(
        f'[[taps]]\nname = "{name}"\nkind = "virtual"\nlines = {lines}\nassign = {{ "99" = "playback" }}\n'
        for name, lines in (("v", 2), ("w", 20))
    )
    file.write_text(f'[box]\ndata_dir = "data"\nrun_dir = "run"\n{taps}')
    done = run(command, file)
    assert done.returncode == 78
    assert f"{file}: tap v: assign: there is no line 99; there are 0, 1\n" in done.stderr
    assert f"{file}: tap w: assign: there is no line 99; there are 0, 1, 2, 3, 4, 5, 6, 7, …\n" in done.stderr


def run(command: str, file: Path) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "appliance.cli", command, "--config", str(file)]
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


def test_bad_settings_as_json(linetap: Any, tmp_path: Path) -> None:
    done = linetap("check-config", "--config", tmp_path / "none.toml", "--json")
    assert done.code == 78
    assert json.loads(done.out)["faults"] == [f"{tmp_path}/none.toml:1: cannot be read: No such file or directory"]


@pytest.mark.parametrize(
    "arguments",
    [["status", "--port", "1"], ["export", "--field", "ident", "--value", "7", "--out", "x.wav", "--port", "1"]],
)
def test_no_box_is_69(arguments: list[str], linetap: Any) -> None:
    done = linetap(*arguments)
    assert done.code == 69
    assert "no box answers at 127.0.0.1:1" in done.err


def test_verify_is_0_when_all_is_good_and_1_when_something_differs(linetap: Any, tmp_path: Path) -> None:
    write(tmp_path / "a.wav")
    assert linetap("verify", tmp_path).code == 0
    cut(write(tmp_path / "b.wav"))
    done = linetap("verify", tmp_path)
    assert done.code == 1
    assert "good  " in done.out.splitlines()[0]
    assert done.out.splitlines()[1].startswith(f"BAD   {tmp_path}/b.wav: ")
    facts = json.loads(linetap("verify", "--json", tmp_path).out)
    assert (facts["good"], facts["bad"]) == (1, 1)


def test_verify_tells_what_a_good_recording_lacks(linetap: Any, tmp_path: Path) -> None:
    gap = {"leg": 0, "at_s": 0.1, "length_s": 0.2, "reason": "unplugged"}
    write(tmp_path / "a.wav", gaps=[gap], measured={"overruns": 2, "drift_ppm": 3.2})
    assert "1 gap, 0.20 s lost, 2 overruns, drift +3.2 ppm)" in linetap("verify", tmp_path).out


def test_verify_without_a_path_looks_where_the_settings_say(linetap: Any, tmp_path: Path) -> None:
    file = tmp_path / "linetap.toml"
    file.write_text('[recording]\npath = "here"\n')
    write(tmp_path / "here" / "a.wav")
    assert "1 recordings, 0 bad" in linetap("verify", "--config", file).out


class WebApi(BaseHTTPRequestHandler):
    """Answers an export as the contract has it; ``uniqueid`` chooses what."""

    def do_GET(self) -> None:
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        if query["uniqueid"] == "none":
            self._answer(b"<RESULT><RESULTTYPE>API_FILE_NOT_FOUND</RESULTTYPE><RESULTCODE>41</RESULTCODE>"
                         b"<RESULTMSG>nothing</RESULTMSG></RESULT>", "text/xml", 0)  # fmt: skip
        else:
            self._answer(json.dumps(query).encode(), "audio/mpeg", 10 if query["uniqueid"] == "broken" else 0)

    def _answer(self, body: bytes, kind: str, missing_bytes: int) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body) + missing_bytes))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        pass


@pytest.fixture
def web_port() -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), WebApi) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server.server_address[1]
        server.shutdown()
        thread.join(10)


def test_export_writes_what_the_box_sends(linetap: Any, web_port: int, tmp_path: Path) -> None:
    out = tmp_path / "call.mp3"
    done = linetap("export", "--field", "user2", "--value", "a b&c", "--out", out, "--port", web_port, "--json")
    assert done.code == 0
    asked = json.loads(out.read_bytes())
    assert {name: asked[name] for name in ("type", "uniquefield", "uniqueid", "media_format")} == {
        "type": "export",
        "uniquefield": "user2",
        "uniqueid": "a b&c",
        "media_format": "mp3",
    }
    assert json.loads(done.out) == {"file": str(out), "format": "mp3", "bytes": out.stat().st_size}


def test_export_of_nothing_is_1_with_the_boxs_words(linetap: Any, web_port: int, tmp_path: Path) -> None:
    done = linetap("export", "--field", "user2", "--value", "none", "--out", tmp_path / "x.wav", "--port", web_port)
    assert (done.code, done.err) == (1, "API_FILE_NOT_FOUND (41): nothing\n")
    assert not list(tmp_path.iterdir())


def test_an_export_that_breaks_off_is_69_and_leaves_no_file(linetap: Any, web_port: int, tmp_path: Path) -> None:
    done = linetap("export", "--field", "user2", "--value", "broken", "--out", tmp_path / "x.wav", "--port", web_port)
    assert done.code == 69
    assert "10 bytes too early" in done.err
    assert not list(tmp_path.iterdir())


def test_an_export_into_a_folder_that_is_not_there_is_1(linetap: Any, web_port: int, tmp_path: Path) -> None:
    out = tmp_path / "none" / "x.wav"
    done = linetap("export", "--field", "user2", "--value", "1", "--out", out, "--port", web_port)
    assert done.code == 1
    assert "No such file or directory" in done.err
