"""What every other folder uses: arguments are checked, the machine is described, progress is shown, signals wait."""
