"""The log: one protocol, SQLite for one machine, memory for tests."""
