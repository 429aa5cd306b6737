"""Where users and groups are read from: one file or package per kind of directory."""
