"""What must hold around generated code, by names that users can do without, and the walls that see to it."""

WALLS = ("landlock", "user", "limits", "filter")
"""In the order in which they must go up: the later ones forbid what the earlier ones need."""
PROPERTIES = {
    "reading": "it can read files",
    "writing": "it can write files",
    "network": "it can use the network",
    "processes": "it can start processes",
    "signals": "it can signal or trace other processes",
    "bounds": "it can raise its limits, or has none",
    "root": "it is root",
    "descriptors": "it holds open files that are not its own",
    "environment": "it has an environment",
}
"""Name: what a process that lacks it can do."""
