"""What is remembered between cycles, in one SQLite file: memory, details, journal, history; and the lock."""
