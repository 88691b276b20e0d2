"""The tables against the two implementations that everybody else uses."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pytest
import soundfile

from appliance.audio import g711

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

Octets = npt.NDArray[np.uint8]
Pcm = npt.NDArray[np.int16]

EVERY_PCM: Pcm = np.arange(65536, dtype=np.uint16).view(np.int16)
EVERY_OCTET: Octets = np.arange(256, dtype=np.uint8)


@pytest.mark.parametrize(
    ("encode", "reference"), [(g711.encode_ulaw, audioop.lin2ulaw), (g711.encode_alaw, audioop.lin2alaw)]
)
def test_every_sample_is_encoded_as_audioop_does(
    encode: Callable[[Pcm], Octets], reference: Callable[[bytes, int], bytes]
) -> None:
    assert encode(EVERY_PCM).tobytes() == reference(EVERY_PCM.tobytes(), 2)


@pytest.mark.parametrize(("decode", "subtype"), [(g711.decode_ulaw, "ULAW"), (g711.decode_alaw, "ALAW")])
def test_every_octet_is_decoded_as_libsndfile_does(decode: Callable[[Octets], Pcm], subtype: str) -> None:
    raw = io.BytesIO(EVERY_OCTET.tobytes())
    reference, _ = soundfile.read(raw, dtype="int16", format="RAW", subtype=subtype, channels=1, samplerate=8000)
    assert np.array_equal(decode(EVERY_OCTET), reference)


def test_decoding_and_encoding_gives_every_octet_back_but_the_negative_zero() -> None:
    ulaw = g711.encode_ulaw(g711.decode_ulaw(EVERY_OCTET))
    assert np.nonzero(ulaw != EVERY_OCTET)[0].tolist() == [0x7F]
    assert np.array_equal(g711.encode_alaw(g711.decode_alaw(EVERY_OCTET)), EVERY_OCTET)


def test_any_shape_is_kept() -> None:
    assert g711.encode_ulaw(np.zeros((3, 5), np.int16)).tolist() == [[0xFF] * 5] * 3
