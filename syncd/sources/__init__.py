"""Where users and groups are read from: one package per type of source, and their registry."""
