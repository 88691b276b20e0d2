"""What the writer process is told when it starts."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import final

import pydantic


@final
class WriterOptions(pydantic.BaseModel):
    """Argument of the writer process; the values come from the settings."""

    model_config = pydantic.ConfigDict(frozen=True)

    run_dir: Path
    data_dir: Path
    recording_path: Path  # where most recordings go; its free room is told in Turned
    holdback_s: float = 10
    durable_every_s: float = 1
    claim_back_s: float = 30
    spool_max_mb: int = 1024
    silence_dbfs: float = -45
    turn_s: float = 1
    settle_s: float = 2  # a session that ended without an order to stop waits this long for one: linger_s and a little
    log_level: int = logging.INFO
