from __future__ import annotations

from pathlib import Path

import pydantic
import pytest

from appliance.spool.journal import Journal, JournalReader, read_all
from appliance.spool.records import CaptureRecord, Closed, Measured

CAPTURE: pydantic.TypeAdapter[CaptureRecord] = pydantic.TypeAdapter(CaptureRecord)


def test_records_come_once_and_in_order(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    reader = JournalReader(path, CAPTURE)
    assert reader.read() == []
    journal = Journal(path)
    journal.append(Measured(facts={"a": 1}))
    assert reader.read() == [Measured(facts={"a": 1})]
    assert reader.read() == []
    journal.append(Measured(facts={"b": "\n"}))
    journal.append(Closed(reason="end", closed_mono_s=1.5))
    assert reader.read() == [Measured(facts={"b": "\n"}), Closed(reason="end", closed_mono_s=1.5)]
    journal.close()
    reader.close()


def test_an_unfinished_line_waits_for_its_end(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    line = Measured(facts={"a": 1}).model_dump_json().encode() + b"\n"
    path.write_bytes(line + line[:9])
    reader = JournalReader(path, CAPTURE)
    assert len(reader.read()) == 1
    with path.open("ab") as file:
        file.write(line[9:])
    assert len(reader.read()) == 1
    reader.close()


def test_the_next_author_cuts_an_unfinished_line_off(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    line = Measured(facts={"a": 1}).model_dump_json().encode() + b"\n"
    path.write_bytes(line + line[:9])
    journal = Journal(path)
    journal.append(Measured(facts={"b": 2}))
    journal.close()
    assert read_all(path, CAPTURE) == [Measured(facts={"a": 1}), Measured(facts={"b": 2})]


def test_a_line_that_is_no_record_is_told_and_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "x.jsonl"
    path.write_bytes(b'{"record": "unheard of"}\n' + Measured(facts={}).model_dump_json().encode() + b"\n")
    assert read_all(path, CAPTURE) == [Measured(facts={})]
    assert "no record" in caplog.text


def test_many_records_are_read_over_the_size_of_a_block(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "x.jsonl")
    records = [Measured(facts={"n": n, "text": "x" * 300}) for n in range(1000)]
    for record in records:
        journal.append(record)
    journal.close()
    assert read_all(tmp_path / "x.jsonl", CAPTURE) == records


def test_a_new_journal_refuses_a_file_that_is_there(tmp_path: Path) -> None:
    (tmp_path / "x.jsonl").touch()
    with pytest.raises(FileExistsError):
        Journal(tmp_path / "x.jsonl", new=True)


def test_the_room_kept_ahead_is_not_in_the_files_length(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "x.jsonl", reserve_bytes=1 << 16)
    stat = (tmp_path / "x.jsonl").stat()
    assert stat.st_size == 0
    assert stat.st_blocks * 512 >= 1 << 16
    journal.close()
