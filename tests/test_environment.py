"""
Credentials found in the environment or the official CLI's file, whose content is never shown.
"""

from __future__ import annotations

import json
import os
import traceback
from datetime import UTC, datetime
from pathlib import Path

import pytest

from clever_v4 import environment
from clever_v4.auth import ApiToken, OAuth1
from clever_v4.environment import find_credentials
from clever_v4.errors import CredentialsError


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / ".config" / "clever-cloud").mkdir(parents=True)
    return tmp_path


def write(home: Path, content: object) -> Path:
    path = home / ".config" / "clever-cloud" / "clever-tools.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return path


def environ(home: Path, **more: str) -> dict[str, str]:
    return {"HOME": str(home), **more}


PROFILE = {"alias": "default", "token": "FILE-TOKEN", "secret": "FILE-SECRET"}


def test_api_token_comes_first(home: Path) -> None:
    """
    ``CLEVER_API_TOKEN`` wins over everything; a newline at its end is no part of it.
    """
    write(home, {"version": 1, "profiles": [PROFILE]})
    found = find_credentials(
        environ(home, CLEVER_API_TOKEN="abc\n", CLEVER_TOKEN="t", CLEVER_SECRET="s")
    )
    assert found.auth == ApiToken("abc")
    assert found.source == "CLEVER_API_TOKEN"
    assert found.base_url is None


def test_token_and_secret_come_second(home: Path) -> None:
    """
    They are signed with the official CLI's consumer.
    """
    write(home, {"version": 1, "profiles": [PROFILE]})
    found = find_credentials(environ(home, CLEVER_TOKEN="t", CLEVER_SECRET="s"))
    assert found.auth == OAuth1(token="t", token_secret="s")


def test_consumer_can_be_another(home: Path) -> None:
    """
    ``OAUTH_CONSUMER_KEY`` and ``OAUTH_CONSUMER_SECRET`` replace the CLI's.
    """
    found = find_credentials(
        environ(
            home,
            CLEVER_TOKEN="t",
            CLEVER_SECRET="s",
            OAUTH_CONSUMER_KEY="k",
            OAUTH_CONSUMER_SECRET="c",
        )
    )
    assert found.auth == OAuth1(token="t", token_secret="s", consumer_key="k", consumer_secret="c")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        (
            {"CLEVER_TOKEN": "t"},
            "CLEVER_SECRET is not set: CLEVER_TOKEN and CLEVER_SECRET are needed together",
        ),
        (
            {"CLEVER_SECRET": "s"},
            "CLEVER_TOKEN is not set: CLEVER_TOKEN and CLEVER_SECRET are needed together",
        ),
        (
            {"CLEVER_TOKEN": "t", "CLEVER_SECRET": "s", "OAUTH_CONSUMER_KEY": "k"},
            (
                "the credentials in CLEVER_TOKEN and CLEVER_SECRET cannot be used: "
                "OAUTH_CONSUMER_KEY and OAUTH_CONSUMER_SECRET are needed together"
            ),
        ),
        (
            {"CLEVER_API_TOKEN": "two words"},
            (
                "the credentials in CLEVER_API_TOKEN cannot be used: "
                "token must be printable ASCII without spaces (value not shown)"
            ),
        ),
    ],
)
def test_half_of_what_is_needed_is_told(home: Path, given: dict[str, str], text: str) -> None:
    """
    The message names the variables.
    """
    with pytest.raises(CredentialsError) as raised:
        find_credentials(environ(home, **given))
    assert str(raised.value) == text


def test_first_profile_of_the_file_is_the_active_one(home: Path) -> None:
    """
    The CLI moves the profile in use to the front.
    """
    path = write(home, {"version": 1, "profiles": [PROFILE, {**PROFILE, "token": "OTHER"}]})
    found = find_credentials(environ(home))
    assert found.auth == OAuth1(token="FILE-TOKEN", token_secret="FILE-SECRET")
    assert found.source == f"{path} (profile default)"


def test_old_flat_file_is_read(home: Path) -> None:
    """
    Before version 4.6 the CLI kept one token and secret.
    """
    path = write(home, {"token": "FILE-TOKEN", "secret": "FILE-SECRET"})
    found = find_credentials(environ(home))
    assert found.auth == OAuth1(token="FILE-TOKEN", token_secret="FILE-SECRET")
    assert found.source == str(path)


def test_profile_s_overrides_are_obeyed(home: Path) -> None:
    """
    A profile may have another consumer and another API host.
    """
    overrides = {
        "API_HOST": "https://api.example.com",
        "OAUTH_CONSUMER_KEY": "k",
        "OAUTH_CONSUMER_SECRET": "c",
        "CONSOLE_URL": "https://console.example.com",
    }
    write(home, {"version": 1, "profiles": [{**PROFILE, "overrides": overrides}]})
    found = find_credentials(environ(home))
    assert found.base_url == "https://api.example.com"
    assert isinstance(found.auth, OAuth1)
    assert (found.auth.consumer_key, found.auth.consumer_secret) == ("k", "c")
    # Variables win over the profile.
    found = find_credentials(environ(home, OAUTH_CONSUMER_KEY="K2", OAUTH_CONSUMER_SECRET="C2"))
    assert isinstance(found.auth, OAuth1)
    assert (found.auth.consumer_key, found.auth.consumer_secret) == ("K2", "C2")


def test_api_host_of_the_environment_is_not_obeyed(home: Path) -> None:
    """
    The name is too generic: set for another program, it would send the credentials elsewhere.
    """
    found = find_credentials(
        environ(home, CLEVER_TOKEN="t", CLEVER_SECRET="s", API_HOST="https://evil.example.com")
    )
    assert found.base_url is None


def test_address_of_the_environment_wins(home: Path) -> None:
    """
    ``CLEVER_API_URL`` is ours alone, and replaces the profile's ``API_HOST``, too.
    """
    write(home, {**PROFILE, "overrides": {"API_HOST": "https://api.example.com"}})
    url = "http://127.0.0.1:8000"
    assert find_credentials(environ(home, CLEVER_API_URL=f" {url}\n")).base_url == url
    found = find_credentials(environ(home, CLEVER_API_URL=url, CLEVER_API_TOKEN="t"))
    assert (found.auth, found.base_url) == (ApiToken("t"), url)


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("127.0.0.1:8000", ": '127.0.0.1:8000'"),
        ("ftp://api.example.com", ": 'ftp://api.example.com'"),
        ("http://[::1", ": 'http://[::1'"),
        ("user:password@api.example.com", " (value not shown)"),
    ],
)
def test_address_that_is_none_is_told(home: Path, address: str, shown: str) -> None:
    """
    The message names the variable; a password in it is not shown.
    """
    with pytest.raises(CredentialsError) as raised:
        find_credentials(environ(home, CLEVER_API_TOKEN="t", CLEVER_API_URL=address))
    assert str(raised.value) == f"CLEVER_API_URL is not an http(s) address{shown}"


def test_file_is_where_the_cli_keeps_it(tmp_path: Path) -> None:
    """
    ``CONFIGURATION_FILE`` wins over ``XDG_CONFIG_HOME``, which wins over ``~/.config``.
    """
    places = {
        "home": tmp_path / "home" / ".config" / "clever-cloud" / "clever-tools.json",
        "xdg": tmp_path / "xdg" / "clever-cloud" / "clever-tools.json",
        "chosen": tmp_path / "chosen.json",
    }
    for name, path in places.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"token": name, "secret": "s"}))
    variables = {
        "CONFIGURATION_FILE": str(places["chosen"]),
        "XDG_CONFIG_HOME": str(tmp_path / "xdg"),
        "HOME": str(tmp_path / "home"),
    }
    for expected in ("chosen", "xdg", "home"):
        found = find_credentials(variables)
        assert isinstance(found.auth, OAuth1)
        assert found.auth.token == expected
        del variables[next(iter(variables))]


def test_environment_of_the_process_is_the_default(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """
    Without an argument, ``os.environ`` is read.
    """
    monkeypatch.setenv("CLEVER_API_TOKEN", "abc")
    assert find_credentials().auth == ApiToken("abc")


def test_nothing_found_says_what_to_do(home: Path) -> None:
    """
    The message names the variables, the file and the command that writes it.
    """
    path = home / ".config" / "clever-cloud" / "clever-tools.json"
    with pytest.raises(CredentialsError) as raised:
        find_credentials(environ(home))
    assert str(raised.value) == (
        "no credentials: neither CLEVER_API_TOKEN nor CLEVER_TOKEN and CLEVER_SECRET are set, and "
        f"{path} does not exist; set one, or run `clever login`"
    )


PAST = datetime(2024, 2, 29, 12, 30, tzinfo=UTC)


@pytest.mark.parametrize("written", [PAST.isoformat(), int(PAST.timestamp() * 1000)])
def test_expired_file_is_told(home: Path, written: object) -> None:
    """
    The message names the file and when it expired.
    """
    path = write(home, {"version": 1, "profiles": [{**PROFILE, "expirationDate": written}]})
    with pytest.raises(CredentialsError) as raised:
        find_credentials(environ(home))
    assert str(raised.value) == (
        f"the session in {path} (profile default) expired at {PAST:%Y-%m-%d %H:%M} UTC; "
        "run `clever login`"
    )


@pytest.mark.parametrize("written", [None, "", "some day", "2999-12-31T23:59:59+00:00", 1e30])
def test_expiration_that_is_absent_unreadable_or_ahead_does_not_expire(
    home: Path, written: object
) -> None:
    """
    As in the official Go client.
    """
    write(home, {**PROFILE, "expirationDate": written})
    assert find_credentials(environ(home)).auth


@pytest.mark.parametrize(
    "content",
    [
        "FILE-TOKEN is not JSON",
        '{"token": "FILE-TOKEN"',
        '{"token": "FILE-TOKEN"}',
        '{"token": "FILE-TOKEN", "secret": ""}',
        '{"token": "FILE-TOKEN", "secret": ["FILE-SECRET"]}',
        '{"token": "FILE-TOKEN", "secret": "FILE SECRET"}',
        '["FILE-TOKEN"]',
        '{"version": 1, "profiles": [], "token": "FILE-TOKEN"}',
        '{"version": 1, "profiles": "FILE-TOKEN"}',
        '{"version": 1, "profiles": ["FILE-TOKEN"]}',
        '{"token": "FILE-TOKEN", "secret": "x", "overrides": {"API_HOST": "FILE-TOKEN"}}',
        '{"token": "FILE-TOKEN", "secret": "x", "overrides": {"OAUTH_CONSUMER_KEY": "FILE-TOKEN"}}',
        '{"token": "FILE-TOKEN", "secret": "FILE-SECRET", "expirationDate": "2020-01-01"}',
        "\x00\ufeff FILE-TOKEN",
        "",
    ],
)
def test_unusable_file_is_named_and_its_content_not_shown(home: Path, content: str) -> None:
    """
    Neither the message nor the chain of errors nor a variable of a frame holds a word of the file.
    """
    path = write(home, content)
    with pytest.raises(CredentialsError) as raised:
        find_credentials(environ(home))
    error = raised.value
    assert str(path) in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None
    shown = "".join(traceback.format_exception(error))
    for frame, _ in traceback.walk_tb(error.__traceback__):
        if frame.f_code.co_filename == environment.__file__:
            shown += repr(frame.f_locals)
    assert "FILE-" not in shown
    assert "FILE SECRET" not in shown


def test_home_that_is_none_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """
    A container's user may have no home directory.
    """

    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(CredentialsError) as raised:
        find_credentials({})
    assert str(raised.value) == (
        "no credentials: neither CLEVER_API_TOKEN nor CLEVER_TOKEN and CLEVER_SECRET are set, and "
        "there is no home directory with the official CLI's file; set one, or run `clever login`"
    )


def test_unreadable_file_is_named(home: Path) -> None:
    """
    A directory in the file's place gives the system's reason.
    """
    path = home / "a-directory"
    path.mkdir()
    with pytest.raises(CredentialsError) as raised:
        find_credentials(environ(home, CONFIGURATION_FILE=str(path)))
    assert str(raised.value) == f"cannot read {path}: {os.strerror(21)}"


def test_windows_keeps_it_in_appdata(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    ``%APPDATA%`` replaces ``~/.config`` there.
    """
    monkeypatch.setattr("clever_v4.environment.sys.platform", "win32")
    (home / "clever-cloud").mkdir()
    (home / "clever-cloud" / "clever-tools.json").write_text(json.dumps(PROFILE))
    found = find_credentials({"APPDATA": str(home)})
    assert found.auth == OAuth1(token="FILE-TOKEN", token_secret="FILE-SECRET")
