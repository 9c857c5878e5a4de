"""Many callers at once, a provider that fails them in every way it can, and what must be true when it is over."""
