"""The store: one protocol, tantivy for one machine, memory for tests."""
