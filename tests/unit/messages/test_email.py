from __future__ import annotations

import dataclasses
from typing import cast

import pytest

from appliance.bus.commands import Services
from appliance.messages.dispatch import dispatch
from appliance.messages.origin import Origin, Port
from appliance.messages.result import Result
from appliance.messages.samples import SampleMail, sample_services

GOOD = {"UNIQUEFIELD": "ident", "UNIQUEID": "204", "TOADDRESS": "ann@example.com", "MEDIA_FORMAT": "MP3"}


async def ask(services: Services, changes: dict[str, str] | None = None, port: Port = Port.COMMANDS) -> Result:
    return await dispatch(
        {"TYPE": "EMAIL", "REQUESTID": "14"} | GOOD | (changes or {}), services, Origin(port, "127.0.0.1:1")
    )


def queued(services: Services) -> list[tuple[int, str, str]]:
    return cast("SampleMail", services.mail).queued


@pytest.mark.parametrize("port", [Port.COMMANDS, Port.WEB])
async def test_a_mail_is_queued(port: Port) -> None:
    services = sample_services()
    result = await ask(services, port=port)
    assert (result.result_type, result.code, result.message, result.body) == ("API_OK", 20, "API_OK", ())
    assert queued(services) == [(204, "ann@example.com", "mp3")]


async def test_several_addresses_and_other_names() -> None:
    services = sample_services()
    asked = {"UNIQUEFIELD": "", "UNIQUE_FIELD": "USER2", "UNIQUEID": "", "UNIQUE_ID": "Order 7782"}
    asked |= {"TOADDRESS": "a@b.c; d@e", "MEDIA_FORMAT": "", "MEDIAFORMAT": "wav"}
    assert (await ask(services, asked)).code == 20
    assert queued(services) == [(204, "a@b.c", "wav"), (204, "d@e", "wav")]


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        *(({name: ""}, 26, f"{name} is required") for name in GOOD),
        ({"TOADDRESS": "", "UNIQUEFIELD": "x" * 65}, 26, "TOADDRESS is required"),
        ({"TOADDRESS": "nobody"}, 11, "TOADDRESS holds 'nobody', which is no mail address"),
        ({"TOADDRESS": "a@b\r\nBcc: c@d"}, 11, "TOADDRESS holds 'Bcc:', which is no mail address"),
        ({"TOADDRESS": "a@b," * 300}, 11, "TOADDRESS is longer than 1024 characters"),
        ({"UNIQUEFIELD": "secret"}, 11, "UNIQUEFIELD has no column secret"),
        ({"MEDIA_FORMAT": "ogg"}, 11, "format not available: ogg"),
        ({"UNIQUEID": "x"}, 40, "API_RECORDID_INVALID"),
        ({"UNIQUEID": "999"}, 41, "API_FILE_NOT_FOUND"),
    ],
)
async def test_faults(changes: dict[str, str], code: int, message: str) -> None:
    services = sample_services()
    result = await ask(services, changes)
    assert (result.code, result.message) == (code, message)
    assert queued(services) == []


async def test_without_a_server_it_is_39() -> None:
    services = dataclasses.replace(sample_services(), mail=SampleMail(server=False))
    result = await ask(services)
    assert (result.result_type, result.code) == ("API_UNLICENSED", 39)
