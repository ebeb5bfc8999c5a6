"""What the subcommands of `testbed` do."""
