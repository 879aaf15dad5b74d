"""How every network is trained, and what a run keeps."""
