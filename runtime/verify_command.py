"""`siteproof verify`: an evidence bundle judged with no server."""

import json
import sys
from pathlib import Path

import click

from findings.bundle_verification import Broken, Intact, verify_bundle
from findings.signed_note import InvalidKey, PublicKey, parse_public_key


@click.command()
@click.argument("bundle", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="BUNDLE.zip")
@click.option(
    "--key",
    "key_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The log's public keys: the answer of GET /v1/log/key, or a key a line.",
)
def verify(*, bundle: Path, key_file: Path | None) -> None:
    """Judge an evidence bundle with no server; exit code 0: intact, 1: not, with the first thing that is wrong."""
    keys = [] if key_file is None else read_keys(key_file)
    with bundle.open("rb") as file:
        verdict = verify_bundle(file, keys=keys)
    if isinstance(verdict, Broken):
        click.echo(f"{bundle}: 不可信 NOT INTACT [{verdict.code}]\n  {verdict.zh}\n  {verdict.en}")
        sys.exit(1)
    click.echo(f"{bundle}: 完整 intact\n{describe_intact(verdict)}")


def read_keys(path: Path) -> list[PublicKey]:
    """The public keys in a file.

    Raises:
        InvalidKey: it holds none, or something else.
    """
    try:
        text = path.read_text(encoding="utf-8")
        lines = [each["key"] for each in json.loads(text)["items"]] if text.startswith("{") else text.split()
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidKey(f"{path}: the answer of GET /v1/log/key is wanted, or a key a line") from error
    if not lines:
        raise InvalidKey(f"{path} holds no key")
    return [parse_public_key(str(each)) for each in lines]


def describe_intact(verdict: Intact) -> str:
    """What was proven, and what was not, for a person to read."""
    rows = [
        f"  media/{verdict.media_id}",
        f"  sha256 {verdict.sha256}" + (" 原件已依法删除 the original was deleted by law" if verdict.erased else ""),
        f"  {verdict.checkpoint.origin}, {verdict.checkpoint.size} entries, signed by {verdict.signer}",
    ]
    if not verdict.trusted:
        rows.append("  未与已知公钥核对，只能说明未被改动，不能说明来源；请用 --key 给出公钥。")
        rows.append("  Not compared with a known key: nothing was changed, but whose it is is not proven. Give --key.")
    return "\n".join(rows)
