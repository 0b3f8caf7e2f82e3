"""Clew's query side: search, transactions and their paths, alerts, API and web page, the demo, `clew up`."""
