"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DEFAULT_CONFIG = Path("/etc/linetap/linetap.toml")

Config = Annotated[Path, typer.Option("--config", "-c", metavar="FILE", help="Settings file.")]
Host = Annotated[str, typer.Option(help="Address of the box.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Timeout = Annotated[float, typer.Option("--timeout", min=0.1, help="Seconds to wait for an answer.")]
