"""`python -m runtime` is `siteproof`."""

from runtime.command_line import main

main()
