"""The page "Run again": the settings of an earlier job, filled in, over all of its rows or some."""

from aiops.jobs.again_page.page import again_view

__all__ = ["again_view"]
