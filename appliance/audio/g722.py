"""G.722 at 64 kbit/s, by FFmpeg's libraries: what a peer sends that a recorder is proven with."""

from __future__ import annotations

from typing import Final

import av
import numpy as np
import numpy.typing as npt

RATE_HZ: Final = 16000
PACKET_OCTETS: Final = 160
_PACKET_FRAMES: Final = 2 * PACKET_OCTETS  # 20 ms; an octet holds two frames


def encode(pcm: npt.NDArray[np.int16]) -> npt.NDArray[np.uint8]:
    """Encode whole packets of 20 ms at 16 kHz, shape ``(320 · n,)``, as one stream; gives shape ``(n, 160)``.

    The encoder keeps a state: packets in another order than this are not what was said.
    """
    encoder = av.AudioCodecContext.create("g722", "w")
    encoder.sample_rate, encoder.format, encoder.layout = RATE_HZ, av.AudioFormat("s16"), "mono"
    octets = b"".join(bytes(packet) for frame in _frames(pcm) for packet in encoder.encode(frame))
    return np.frombuffer(octets, np.uint8).reshape(-1, PACKET_OCTETS)


def _frames(pcm: npt.NDArray[np.int16]) -> list[av.AudioFrame]:
    frames = []
    for begin in range(0, len(pcm), _PACKET_FRAMES):
        packet = np.ascontiguousarray(pcm[None, begin : begin + _PACKET_FRAMES])
        frame = av.AudioFrame.from_ndarray(packet, format="s16", layout="mono")
        frame.sample_rate, frame.pts = RATE_HZ, begin
        frames.append(frame)
    return frames
