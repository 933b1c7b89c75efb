"""Who may do what in a workspace: the deployed grants published to its servers, decided, recorded, replayed.

The threat is a mistake, not malice: a task that does what it was not granted is refused. A task that sets out to break
the sandbox (it runs as the same user of the same machine) can.
"""
