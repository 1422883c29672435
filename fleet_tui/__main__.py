"""Run the command line with ``python -m fleet_tui``."""

from fleet_tui.cli.main import main

if __name__ == "__main__":
    main()
