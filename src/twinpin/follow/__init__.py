"""Following the alias without a controller: each process loads the next pair beside the one that it serves."""
