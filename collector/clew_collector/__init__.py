"""Clew's collector: receives chunks, keeps them in the log, normalises them, writes the store."""
