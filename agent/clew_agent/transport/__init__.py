"""The agent's transports: one seam, a real and a memory version."""
