from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from appliance.audio.measure import make_tone
from hil import bad_cable
from hil.bad_cable import BadCable, Fault
from hil.measure import fit_sine, noise_dbfs, thd_n_percent

RATE_HZ = 8000
HZ = 1020


@pytest.fixture
def played() -> npt.NDArray[np.int16]:
    """A tone at -10 dBFS on each of four channels, the first of its own frequency."""
    tones = [make_tone(hz, RATE_HZ, 4 * RATE_HZ, -10) for hz in (400, HZ, 700, HZ)]
    return np.stack(tones, axis=1)


def carried(faults: dict[int, Fault], played: npt.NDArray[np.int16], block: int = 500) -> npt.NDArray[np.int16]:
    cable = BadCable(faults, RATE_HZ)
    return np.concatenate([cable.carry(played[at : at + block]) for at in range(0, len(played), block)])


def test_channels_without_a_fault_come_out_as_they_went_in(played: npt.NDArray[np.int16]) -> None:
    heard = carried({2: Fault.ATTENUATED, 3: Fault.SWAPPED}, played)
    assert (heard[:, 0] == played[:, 0]).all()
    assert (heard[:, 2] == played[:, 3]).all()
    assert (heard[:, 3] == played[:, 2]).all()
    assert fit_sine(heard[:, 1], RATE_HZ, HZ).level_dbfs == pytest.approx(-13.1, abs=0.01)


def test_each_fault_is_what_it_says(played: npt.NDArray[np.int16]) -> None:
    def one(fault: Fault) -> npt.NDArray[np.int16]:
        return carried({2: fault}, played)[:, 1]

    assert noise_dbfs(one(Fault.NOISY).astype(float) / 32768 - played[:, 1] / 32768) == pytest.approx(-60, abs=0.5)
    assert (one(Fault.INVERTED) == -played[:, 1]).all()
    assert fit_sine(one(Fault.LEAKING), RATE_HZ, 400, free=False).level_dbfs == pytest.approx(-50, abs=0.1)
    assert thd_n_percent(one(Fault.DISTORTING), RATE_HZ, HZ) == pytest.approx(2.05, abs=0.1)
    assert np.flatnonzero(one(Fault.LOOSE) != played[:, 1]).size == pytest.approx(2 * 0.03 * RATE_HZ, rel=0.05)
    assert not one(Fault.OPEN).any()


def test_a_dull_channel_does_not_depend_on_the_blocks_it_comes_in(played: npt.NDArray[np.int16]) -> None:
    high = np.stack([make_tone(3400, RATE_HZ, 4 * RATE_HZ, -10)] * 4, axis=1)
    heard = carried({2: Fault.DULL}, high, block=37)
    assert (heard == carried({2: Fault.DULL}, high, block=4000)).all()
    lost_db = fit_sine(heard[:, 1], RATE_HZ, 3400).level_dbfs + 10
    lost_db -= fit_sine(carried({2: Fault.DULL}, played)[:, 1], RATE_HZ, HZ).level_dbfs + 10
    assert lost_db == pytest.approx(-1.9, abs=0.1)


@pytest.mark.parametrize("fault", ["9=open", "0=open", "8=swapped", "2=broken", "two=open", "2"])
def test_a_fault_that_cannot_be_is_refused(fault: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        bad_cable.main(["hw:A", "hw:B", "--fault", fault])
    assert left.value.code == 2
    said = capsys.readouterr().err
    assert "no channel" in said or "is not a channel and one of attenuated, noisy" in said
