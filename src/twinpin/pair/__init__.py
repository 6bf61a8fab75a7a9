"""The pair: one alias, two versions that belong together, and the Pin that records them."""
