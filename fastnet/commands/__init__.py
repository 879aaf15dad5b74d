"""The subcommands of `fastnet`, one file each. A subcommand reads arguments, calls the library and prints."""
