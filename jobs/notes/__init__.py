"""Clinical notes: from whatever they are encoded in to clean text and sentences. Pure functions of text."""
