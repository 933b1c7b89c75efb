"""The wheel: one thin entry point a task, pure transforms behind it. Knows a catalog and table names, no stage."""
