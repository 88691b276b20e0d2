"""How accounts stand, out of the page of figures."""

from __future__ import annotations

import dataclasses

from appliance import metrics
from appliance.box_figures import of_taps
from appliance.capture.supervisor import TapStatus
from appliance.cli.accounts import read_accounts
from drivers.contract import Registered

COUNTED = TapStatus(workers=1, workers_up=1, restarts=0, renewals=0, refused_calls=0, lost_frames=0)


class Taps:
    def status(self) -> dict[str, TapStatus]:
        accounts = (
            Registered(account="box@pbx", registered=True, code=200),
            Registered(account="b@pbx", registered=False, code=401),
        )
        return {"trunk": dataclasses.replace(COUNTED, accounts=accounts), "lines": COUNTED}


def test_the_page_of_a_box_is_read() -> None:
    page = metrics.page([lambda: of_taps(Taps())])  # type: ignore[arg-type]  # what of_taps needs of them
    assert read_accounts(page) == [
        {"TAP": "trunk", "ACCOUNT": "box@pbx", "REGISTERED": "yes", "ANSWER": "200"},
        {"TAP": "trunk", "ACCOUNT": "b@pbx", "REGISTERED": "no", "ANSWER": "401"},
    ]
    assert read_accounts("linetap_up 1\n") == []
