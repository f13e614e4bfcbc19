"""The one command line: mounts the parts' Typer apps and says which extra is missing."""


def main() -> None:
    """Run the command line."""


if __name__ == "__main__":
    main()
