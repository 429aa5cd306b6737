"""Compares the two states and plans the difference: pure."""
