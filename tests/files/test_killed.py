"""A process that is killed in the middle of an upload leaves a row that says so, and what came of it is found out."""

from __future__ import annotations

import signal
import subprocess
import sys
import time

import pytest
from django.utils import timezone

from aiops.files.models import UploadedFile
from aiops.files.reconciliation import on_the_way, reconcile
from aiops.gateway.connections import get_connection
from aiops.gateway.testing import Drip, Hang
from tests.files.conftest import PDF, names_there

UPLOAD = """
import sys, django
django.setup()
from aiops import get_openai_client
get_openai_client().upload_file(sys.argv[1], name="a.pdf")
"""


@pytest.fixture
def process(site_environment, tmp_path):
    """A process that uploads; it is gone at the end."""
    path = tmp_path / "a.pdf"
    path.write_bytes(PDF)

    def start():
        return subprocess.Popen([sys.executable, "-c", UPLOAD, str(path)], env=site_environment)

    started = []
    yield lambda: started.append(start()) or started[0]
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("reply", "becomes"), [(Hang(60), "failed"), (Drip(1), "there")])
def test_what_became_of_a_file_is_found_out(provider, process, reply, becomes):
    provider.when(lambda request: request.method == "POST", reply)
    process = process()
    deadline = time.monotonic() + 60
    while not (provider.requests and (becomes == "failed" or names_there(provider))):
        assert process.poll() is None, "the process ended by itself"
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    row = UploadedFile.objects.get()
    assert (row.state, row.provider_id, row.size) == ("uploading", "", len(PDF))
    reconcile(get_connection(), now=timezone.now() + 2 * on_the_way(get_connection()))
    row.refresh_from_db()
    assert row.state == becomes
    assert names_there(provider) == ([row.sent_name] if becomes == "there" else [])
