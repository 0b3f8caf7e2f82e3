"""`python -m clew_agent` is the `clew` command, for where no script is on the path."""

from clew_agent.cli import main

if __name__ == "__main__":
    main(prog_name="clew")
