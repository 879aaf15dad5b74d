"""Reading and writing of files: networks and tensors, atomic writes, and checks for damaged files."""
