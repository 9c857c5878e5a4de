"""What is missing or unsafe, said by `manage.py check`. Every number is explained in `docs/reference/checks.md`."""

from __future__ import annotations

from django.core.checks import Tags, register

from aiops.checks.apps import check_apps, check_import_export
from aiops.checks.connections import check_connections, check_default_key, check_labelled_versions
from aiops.checks.databases import check_databases, check_routing, check_sqlite_library
from aiops.checks.leases import check_leases
from aiops.checks.model_ends import check_model_ends
from aiops.checks.notices import check_mail, check_notices
from aiops.checks.old_way import check_old_way
from aiops.checks.options import check_options
from aiops.checks.queue import check_lease, check_tuning
from aiops.checks.redaction import check_redaction

TAG = "aiops"

for check in (
    check_apps,
    check_connections,
    check_databases,
    check_import_export,
    check_lease,
    check_leases,
    check_mail,
    check_model_ends,
    check_notices,
    check_old_way,
    check_options,
    check_redaction,
    check_routing,
    check_sqlite_library,
    check_tuning,
):
    register(TAG)(check)
register(TAG, deploy=True)(check_default_key)
register(Tags.database)(check_labelled_versions)
