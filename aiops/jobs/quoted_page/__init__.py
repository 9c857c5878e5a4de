"""What the pages that start jobs have in common: choose → quote → confirm, wherever the rows come from."""
