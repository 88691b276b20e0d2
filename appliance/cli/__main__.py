"""``python -m appliance.cli`` is ``linetap``."""

from appliance.cli.app import main

main()
