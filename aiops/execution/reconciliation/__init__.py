"""Our log beside what the provider says that it billed: by day and model, in UTC, as bills are."""
