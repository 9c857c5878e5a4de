"""The page "Run a prompt on a file": choose → quote → confirm. Meanwhile the file waits in the site's storage."""

from aiops.jobs.upload_page.page import upload_view

__all__ = ["upload_view"]
