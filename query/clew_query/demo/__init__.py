"""The demo: five real services, an agent and an embedded Clew; one failed request and its path."""
