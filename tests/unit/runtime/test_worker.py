from pathlib import Path

from runtime.settings import read_settings
from runtime.task_queue import REMIND, make_queue
from runtime.worker import register_tasks


def test_register_tasks__what_the_beat_rings_for__is_known(tmp_path: Path) -> None:
    """A scheduled task that no worker knows would never run, and nobody would be reminded."""
    settings = read_settings(home=tmp_path)
    app = make_queue(settings)
    register_tasks(app, settings, database_url="dbname=none")
    scheduled = {entry["task"] for entry in app.conf.beat_schedule.values()}
    assert REMIND in scheduled
    assert scheduled <= set(app.tasks)
