"""The page "Run a prompt on selected rows": choose → quote → confirm. Any `ModelAdmin` gets it by one base class."""

from aiops.jobs.run_page.mixin import RunPromptMixin

__all__ = ["RunPromptMixin"]
