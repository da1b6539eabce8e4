"""The command line: a module per command, no ML logic, heavy imports inside the commands."""
