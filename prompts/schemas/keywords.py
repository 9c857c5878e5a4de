"""What structured output in strict mode takes of JSON Schema, and what to do instead of the rest."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

TYPES = ("string", "number", "integer", "boolean", "object", "array", "null")

EVERYWHERE = frozenset({"type", "title", "description", "enum", "const", "anyOf", "$ref"})
AT_ROOT = frozenset({"$defs", "$schema"})
OF_TYPE = {
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "minItems", "maxItems"}),
    "string": frozenset({"pattern", "format"}),
    "number": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
    "integer": frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}),
}
FORMATS = ("date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid")

INSTEAD = {
    "oneOf": _("use anyOf"),
    "allOf": _("write the properties out in one object"),
    "not": _("say what is allowed instead, for instance with enum"),
    "if": _("use anyOf with one object for each case"),
    "then": _("use anyOf with one object for each case"),
    "else": _("use anyOf with one object for each case"),
    "dependentRequired": _("require all properties and allow null"),
    "dependentSchemas": _("use anyOf with one object for each case"),
    "prefixItems": _("use an object with one named property for each place"),
    "contains": _("say it in the description"),
    "uniqueItems": _("say it in the description"),
    "default": _("require the property and allow null"),
    "minLength": _("say it in the description"),
    "maxLength": _("say it in the description"),
    "minProperties": _("name the properties"),
    "maxProperties": _("name the properties"),
    "patternProperties": _("use an array of objects with a name and a value"),
    "propertyNames": _("use an array of objects with a name and a value"),
    "unevaluatedProperties": _("use additionalProperties: false"),
    "unevaluatedItems": _("use items"),
    "examples": _("put them into the description"),
    "$id": _("remove it"),
    "definitions": _("use $defs"),
}
"""What to do instead of a keyword that exists and is not taken."""
