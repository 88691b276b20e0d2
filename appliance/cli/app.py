"""The commands put together, and their errors turned into exit codes."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import typer

from appliance.cli.agent import agent
from appliance.cli.audit import audit
from appliance.cli.cards import cards
from appliance.cli.check_config import check_config
from appliance.cli.conform import conform
from appliance.cli.demo import demo
from appliance.cli.export import export
from appliance.cli.fault import fault
from appliance.cli.group import group
from appliance.cli.hil import hil_commands
from appliance.cli.mail import mail
from appliance.cli.meter import meter
from appliance.cli.run import run
from appliance.cli.schedule import schedule
from appliance.cli.simulate import simulate
from appliance.cli.station import station
from appliance.cli.status import status
from appliance.cli.terms import terms
from appliance.cli.token import token
from appliance.cli.tone import tone
from appliance.cli.user import user
from appliance.cli.verify import verify
from appliance.errors import LinetapError, SettingsError, UnreachableError

EXIT_REFUSED = 1
EXIT_UNREACHABLE = 69  # EX_UNAVAILABLE of sysexits(3)
EXIT_SETTINGS = 78  # EX_CONFIG

app = typer.Typer(
    help="Linetap records telephone calls.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.command()(run)
app.command()(demo)
app.command("check-config")(check_config)
app.command()(status)
app.command()(export)
app.command()(verify)
app.command()(conform)
app.command()(simulate)
app.command()(cards)
app.command()(meter)
app.command()(tone)
app.command()(fault)
app.add_typer(audit, name="audit")
app.add_typer(token, name="token")
app.add_typer(hil_commands, name="hil")
app.add_typer(mail, name="mail")
app.add_typer(schedule, name="schedule")
app.add_typer(agent, name="agent")
app.add_typer(station, name="station")
app.add_typer(group, name="group")
app.add_typer(user, name="user")
app.add_typer(terms, name="terms")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; always ends by SystemExit."""
    try:
        app(args=None if arguments is None else list(arguments), prog_name="linetap")
    except SettingsError as error:
        _leave(error, EXIT_SETTINGS)
    except UnreachableError as error:
        _leave(error, EXIT_UNREACHABLE)
    except LinetapError as error:
        _leave(error, EXIT_REFUSED)


def _leave(error: Exception, code: int) -> None:
    print(error, file=sys.stderr)
    sys.exit(code)
