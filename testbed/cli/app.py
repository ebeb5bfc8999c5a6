"""What every subcommand belongs to."""

import tyro

app = tyro.extras.SubcommandApp()
"""The `testbed` command."""
