"""Reading and writing: damaged files are refused, files are written whole, networks and tensors have a format."""
