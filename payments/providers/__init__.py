"""One folder per outside system: how it is spoken to, and what its answers mean."""
