"""The door: the command line, one subcommand a file."""
