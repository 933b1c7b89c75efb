"""The `mlops` command: a composition root, no logic of its own."""
