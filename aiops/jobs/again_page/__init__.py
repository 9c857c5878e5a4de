"""The page "Run again": an earlier job's settings, filled in, over all of its rows or some: choose → quote → confirm."""

from aiops.jobs.again_page.page import again_view

__all__ = ["again_view"]
