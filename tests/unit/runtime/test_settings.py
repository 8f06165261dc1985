from pathlib import Path

import pytest

from runtime.settings import InvalidSettings, make_environment, read_settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SITEPROOF_HOME", "SITEPROOF_MEDIA_URL", "SITEPROOF_PORT", "SITEPROOF_LEASE_S"):
        monkeypatch.delenv(name, raising=False)


def test_read_settings__silent__has_embedded_defaults(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing has to be set."""
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    settings = read_settings()
    assert settings.home == Path("/data/siteproof")
    assert settings.media_folder == Path("/data/siteproof/media")
    assert (settings.database_url, settings.mqtt_url) == ("", "mqtt://127.0.0.1:1883")


def test_read_settings__given_on_the_command_line__comes_before_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What a person types wins; what is None was not typed."""
    monkeypatch.setenv("SITEPROOF_PORT", "9000")
    assert read_settings(port=None).port == 9000
    assert read_settings(port=9001).port == 9001


@pytest.mark.parametrize(("name", "value"), [("PORT", "70000"), ("PORT", "x"), ("LEASE_S", "0")])
def test_read_settings__out_of_range__names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    """An operator reads which variable is wrong."""
    monkeypatch.setenv(f"SITEPROOF_{name}", value)
    with pytest.raises(InvalidSettings, match=f"SITEPROOF_{name}"):
        read_settings()


def test_media_folder__file_url_with_an_escape__is_the_folder() -> None:
    """A folder's name may hold a blank."""
    assert read_settings(media_url="file:///srv/site%20proof").media_folder == Path("/srv/site proof")


@pytest.mark.parametrize("url", ["s3://bucket", "http://x/y", "file://host/x", "relative"])
def test_media_folder__no_folder__is_refused(url: str) -> None:
    """What is not a folder of this machine is told, not taken for one."""
    with pytest.raises(InvalidSettings):
        _ = read_settings(media_url=url).media_folder


def test_make_environment__read_again__gives_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A child process has its parent's settings."""
    settings = read_settings(home=Path("/h"), port=8123, lease_s=4.5)
    for name, value in make_environment(settings).items():
        if name.startswith("SITEPROOF_"):
            monkeypatch.setenv(name, value)
    assert read_settings() == settings
