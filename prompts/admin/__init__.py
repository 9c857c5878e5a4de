"""The pages of prompts and schemas in Django's admin. Others add to them through `prompts.extensions`."""

from prompts.admin.prompts import PromptAdmin
from prompts.admin.schema_versions import SchemaVersionAdmin
from prompts.admin.schemas import OutputSchemaAdmin
from prompts.admin.versions import PromptVersionAdmin

__all__ = ["OutputSchemaAdmin", "PromptAdmin", "PromptVersionAdmin", "SchemaVersionAdmin"]
