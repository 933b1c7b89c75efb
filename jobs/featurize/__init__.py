"""Pure transforms from curated tables to facts and features; they take no session, stage or path."""
