"""What to ask: versioned prompts and output schemas. No network, no money."""
