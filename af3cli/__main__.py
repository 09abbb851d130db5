"""`python -m af3cli`: the command `af3`, where the folder of commands is not on the path."""

from af3cli.cli import main

main()
