"""Any octets to any port of a real box, made up by a coverage-guided fuzzer: what it found, and what memory did.

The fuzzer is libFuzzer by way of atheris: inputs that reach new lines of the box are kept and changed further. It
begins with the golden samples and knows the names of all types and parameters.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, final

from hil.fuzzing.words import dictionary, seeds

TARGET: Final = Path(__file__).parent / "_fuzz_target.py"
LONGEST_BYTES: Final = 4096
GRACE_S: Final = 180.0
OPTIONS: Final = (f"-max_len={LONGEST_BYTES}", "-timeout=90", "-rss_limit_mb=4096", "-handle_term=0")


@final
class Outcome:
    """What the fuzzer's process told."""

    def __init__(self) -> None:
        self.findings: list[dict[str, str]] = []
        self.rounds: list[dict[str, Any]] = []
        self.end: dict[str, Any] = {}

    def take(self, line: str) -> None:
        """Take one line of its output; what is no JSON is a line of somebody else."""
        try:
            said = json.loads(line)
        except ValueError:
            return
        if "finding" in said:
            self.findings.append(said["finding"])
            print(f"found: {said['finding']['text']}\n  by {said['finding']['input']}", file=sys.stderr)
        elif "round" in said:
            self.rounds.append(said["round"])
            print(f"round: {said['round']}", file=sys.stderr)
        elif "end" in said:
            self.end = said["end"]


def fuzz(seconds: float, corpus: Path, inputs: tuple[Path, ...] = ()) -> tuple[Outcome, str]:
    """Fuzz for so long, or feed the ``inputs`` alone; gives what was told, and the end of libFuzzer's own log."""
    with tempfile.TemporaryDirectory(prefix="linetap-fuzz-") as folder:
        words, log = Path(folder, "words"), Path(folder, "log")
        words.write_text(dictionary())
        given = tuple(map(str, inputs)) or (f"-dict={words}", *OPTIONS, str(corpus))
        command = [sys.executable, str(TARGET), str(seconds), f"-artifact_prefix={folder}/", *given]
        outcome = Outcome()
        with log.open("wb") as out, subprocess.Popen(command, stdout=subprocess.PIPE, stderr=out, text=True) as process:
            assert process.stdout is not None
            try:
                for line in process.stdout:
                    outcome.take(line)
                process.wait(GRACE_S)
            finally:
                process.kill()
        tail = log.read_text(errors="replace")[-4000:]
        if not outcome.end and not inputs:
            broke = [f.read_bytes() for f in Path(folder).iterdir() if f.name.startswith(("crash", "timeout", "oom"))]
            text = f"the process ended with {process.returncode}\n{tail}"
            outcome.take(json.dumps({"finding": {"text": text, "input": b"".join(broke).hex()}}))
        return outcome, tail


def report(outcome: Outcome, kept: int, tail: str) -> dict[str, Any]:
    """Put the figures together. The first round is the warm-up."""
    rounds = outcome.rounds
    first, last = (rounds[0], rounds[-1]) if rounds else ({}, {})
    covered = [
        word for line in tail.splitlines() if "cov: " in line for word in [line.partition("cov: ")[2].split()[0]]
    ]
    return {
        "inputs": outcome.end.get("inputs", 0),
        "seconds": outcome.end.get("seconds", 0),
        "slowest_s": outcome.end.get("slowest_s", 0),
        "edges": int(covered[-1]) if covered else 0,
        "kept_inputs": kept,
        "recordings": outcome.end.get("recordings", 0),
        "findings": len(outcome.findings),
        "boxes": len(rounds),
        "memory_mib": {"after_warm_up": first.get("closed_mib"), "at_end": last.get("closed_mib")},
        "objects": {"after_warm_up": first.get("objects"), "at_end": last.get("objects")},
    }


def main() -> int:
    """Run it; 0 if nothing was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument(
        "--corpus", type=Path, help="folder whose inputs are begun with too, and that keeps the new ones"
    )
    parser.add_argument("--replay", metavar="HEX", help="feed this one input and end")
    parser.add_argument("--json", action="store_true", help="end with one JSON object on the last line")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="linetap-corpus-") as folder:
        corpus = arguments.corpus or Path(folder)
        corpus.mkdir(parents=True, exist_ok=True)
        if arguments.replay:
            one = Path(folder, "one")
            one.write_bytes(bytes.fromhex(arguments.replay))
            outcome, _ = fuzz(60, corpus, (one,))
            return 1 if outcome.findings else 0
        for seed in seeds():
            (corpus / hashlib.sha256(seed).hexdigest()[:16]).write_bytes(seed)
        outcome, tail = fuzz(arguments.seconds, corpus)
        facts = report(outcome, sum(1 for _ in corpus.iterdir()), tail)
    show(facts)
    if arguments.json:
        print(json.dumps(facts))
    return 1 if outcome.findings else 0


def show(facts: dict[str, Any]) -> None:
    """Print the figures for people."""
    print(f"{facts['inputs']} inputs in {facts['seconds']} s, {facts['edges']} edges of the box reached")
    print(f"{facts['recordings']} recordings by {facts['boxes']} boxes, one after the other")
    print(f"{facts['findings']} findings; the slowest input took {facts['slowest_s']} s")
    memory, objects = facts["memory_mib"], facts["objects"]
    print(f"memory {memory['after_warm_up']} MiB after the first box, {memory['at_end']} MiB after the last")
    print(f"objects {objects['after_warm_up']} after the first box, {objects['at_end']} after the last")


if __name__ == "__main__":
    raise SystemExit(main())
