"""The Spark Connect server of a workspace: its jars, its class archive, its start."""
