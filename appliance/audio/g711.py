"""µ-law and A-law by tables (ITU-T G.711), for whole arrays at once.

Rounding is that of the audioop module, which telephony software on Linux shares: 14 bits for µ-law and 13 for A-law,
rounded down. Decoding and encoding again gives every octet back, save that µ-law's negative zero becomes its positive.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

_ULAW_BIAS: Final = 33
_ULAW_CLIP: Final = 8158


def encode_ulaw(pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """Encode int16 of any shape; gives octets of the same shape."""
    return np.take(_ULAW_OF_PCM, pcm.view(np.uint16))


def encode_alaw(pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """Encode int16 of any shape; gives octets of the same shape."""
    return np.take(_ALAW_OF_PCM, pcm.view(np.uint16))


def decode_ulaw(octets: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Decode octets of any shape; gives int16 of the same shape."""
    return np.take(_PCM_OF_ULAW, octets)


def decode_alaw(octets: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Decode octets of any shape; gives int16 of the same shape."""
    return np.take(_PCM_OF_ALAW, octets)


def _all_pcm() -> npt.NDArray[np.int32]:
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


def _segments(magnitude: npt.NDArray[np.int32], first_end: int) -> npt.NDArray[np.int32]:
    """Number of the segment, 0 to 7; segment n ends before ``first_end`` times 2**n."""
    ends = first_end << np.arange(8, dtype=np.int32)
    return np.minimum(np.searchsorted(ends, magnitude, side="right"), 7).astype(np.int32)


def _ulaw_of_pcm() -> npt.NDArray[np.uint8]:
    pcm = _all_pcm() >> 2
    magnitude = np.minimum(np.abs(pcm), _ULAW_CLIP) + _ULAW_BIAS
    segment = _segments(magnitude, 64)
    octet = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)
    octets: npt.NDArray[np.int32] = octet ^ np.where(pcm < 0, 0x7F, 0xFF)
    return octets.astype(np.uint8)


def _alaw_of_pcm() -> npt.NDArray[np.uint8]:
    pcm = _all_pcm() >> 3
    magnitude = np.where(pcm < 0, -pcm - 1, pcm)
    segment = _segments(magnitude, 32)
    octet = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0x0F)
    octets: npt.NDArray[np.int32] = octet ^ np.where(pcm < 0, 0x55, 0xD5)
    return octets.astype(np.uint8)


def _pcm_of_ulaw() -> npt.NDArray[np.int16]:
    octet = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = ((((octet & 0x0F) << 3) + 0x84) << ((octet >> 4) & 7)) - 0x84
    pcm: npt.NDArray[np.int32] = np.where(octet & 0x80, -magnitude, magnitude)
    return pcm.astype(np.int16)


def _pcm_of_alaw() -> npt.NDArray[np.int16]:
    octet = np.arange(256, dtype=np.int32) ^ 0x55
    segment = (octet >> 4) & 7
    step = ((octet & 0x0F) << 4) + np.where(segment == 0, 8, 0x108)
    magnitude = step << np.maximum(segment - 1, 0)
    pcm: npt.NDArray[np.int32] = np.where(octet & 0x80, magnitude, -magnitude)
    return pcm.astype(np.int16)


_ULAW_OF_PCM: Final = _ulaw_of_pcm()
_ALAW_OF_PCM: Final = _alaw_of_pcm()
_PCM_OF_ULAW: Final = _pcm_of_ulaw()
_PCM_OF_ALAW: Final = _pcm_of_alaw()
