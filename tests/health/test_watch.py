"""When a cluster stands still: a table of what was seen, second by second."""

import os
import subprocess
import sys
import time

import pytest

from aiops.health.busy import Notes
from aiops.health.watch import LONGEST_LOOK, Watch


def silence(looks, patience=10):
    """Whether it stands still after these looks, each a pair of seconds and what was seen."""
    watch = Watch(patience=patience, at=0)
    for at, beats, *busy in looks:
        watch.look(beats, busy=bool(busy), at=at)
    return watch.stands_still


def every_second(beats, since, until):
    return [(at, beats) for at in range(since, until + 1)]


@pytest.mark.parametrize(
    ("looks", "stands_still"),
    [
        ([], False),
        (every_second(0, 1, 20), False),
        (every_second(0, 1, 21), True),
        # What is counted when it is started is of the one before it.
        (every_second(7, 1, 20), False),
        # Once it was heard of, it has half as long.
        ([(1, 0), (2, 1), *every_second(1, 3, 12)], False),
        ([(1, 0), (2, 1), *every_second(1, 3, 13)], True),
        ([(1, 0), *((at, at) for at in range(2, 60))], False),
        # A database that is away says nothing about it, for however long.
        ([(1, 0), (2, 1), *((at, None) for at in range(3, 500)), (500, 1), (501, 1)], False),
        # The watcher itself stood still for an hour.
        ([(1, 0), (2, 1), (3600, 1), (3601, 1)], False),
        # A long task says nothing, and is no reason to kill anybody.
        ([(1, 0), (2, 1), *((at, 1, "busy") for at in range(3, 300)), (301, 1)], False),
        ([(1, 0), (2, 1), *((at, 1, "busy") for at in range(3, 300)), *every_second(1, 300, 311)], True),
    ],
)
def test_what_counts_as_standing_still(looks, stands_still):
    assert silence(looks) is stands_still


def test_after_a_time_in_which_nothing_could_be_seen_it_is_counted_anew():
    watch = Watch(patience=10, at=0)
    watch.look(0, busy=False, at=LONGEST_LOOK)
    assert watch.silent == LONGEST_LOOK
    # As where somebody else has locked the database.
    watch.look(None, busy=False, at=LONGEST_LOOK + 5)
    watch.look(0, busy=False, at=3 * LONGEST_LOOK)
    assert watch.silent == 0
    watch.look(0, busy=False, at=3 * LONGEST_LOOK + 2)
    assert watch.silent == 2


def test_a_note_counts_while_its_process_lives_and_has_time(tmp_path):
    notes = Notes(tmp_path)
    now = time.monotonic()
    assert not notes.anybody(now)
    notes.begin(60)
    assert notes.anybody(now)
    assert not notes.anybody(now + 61)
    notes.end()
    assert not notes.anybody(now)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    (tmp_path / str(dead.pid)).write_text(str(now + 60))
    assert not notes.anybody(now)
    (tmp_path / str(os.getpid())).write_text("")
    assert notes.anybody(now), "a note that is being written"
