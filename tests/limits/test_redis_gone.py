"""Redis is the quicker keeper of limits, never the only one."""

import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from aiops.limits.models import Pace
from aiops.limits.take import JOB, take
from aiops.options import InvalidOption

pytestmark = [pytest.mark.redis, pytest.mark.skipif(not shutil.which("redis-server"), reason="no redis-server to stop")]


@pytest.fixture
def redis_server(tmp_path):
    """A Redis of this test's own, and its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while True:
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.02)
        try:
            yield process, f"redis://127.0.0.1:{port}/0"
        finally:
            process.send_signal(signal.SIGCONT)
            process.kill()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP], ids=["ended", "hanging"])
def test_the_database_goes_on_counting_where_redis_stops(transactional_db, limited, model, redis_server, how):
    process, url = redis_server
    connection = limited(REQUESTS_PER_MINUTE=600, REDIS_URL=url)
    with take(connection, model, priority=JOB):
        pass
    assert not Pace.objects.filter(model=model).exists()
    process.send_signal(how)
    started = time.monotonic()
    for _ in range(20):
        with take(connection, model, priority=JOB, deadline=30):
            pass
    # Three at once after a fresh start, then one each 0.1 s: neither open nor closed.
    assert time.monotonic() - started >= 1.6
    assert Pace.objects.filter(model=model).exists()


def test_redis_that_is_back_counts_again(transactional_db, limited, model, redis_server):
    import redis

    process, url = redis_server
    connection = limited(REQUESTS_PER_MINUTE=6000, REDIS_URL=url)
    process.send_signal(signal.SIGSTOP)
    with take(connection, model):
        pass
    assert Pace.objects.filter(model=model).exists()
    process.send_signal(signal.SIGCONT)
    client = redis.Redis.from_url(url)
    ends = time.monotonic() + 30
    while not client.keys(f"*{model}*") and time.monotonic() < ends:
        with take(connection, model):
            time.sleep(0.1)
    assert client.keys(f"*{model}*")
    client.close()


def test_without_the_package_one_sentence_says_what_to_install():
    code = (
        "import sys; sys.modules['redis'] = None\n"
        "import django; django.setup()\n"
        "from aiops.limits.store.redis_server import RedisServer\n"
        "RedisServer('redis://127.0.0.1/0')"
    )
    environ = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].endswith(
        "AIOPS['REDIS_URL'] is set and the package redis is missing: install django-aiops[redis]."
    )
    assert InvalidOption.__name__ in done.stderr
