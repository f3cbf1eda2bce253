"""`python -m graph` is `confgraph`."""

from graph.cli import main

if __name__ == "__main__":
    main()
