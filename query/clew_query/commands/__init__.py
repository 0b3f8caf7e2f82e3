"""The query side's subcommands, one a file."""
