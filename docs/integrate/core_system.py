"""A small core project system beside Siteproof: creates a project, follows events, asks the gate, pays once.

One file, Python's standard library, the public API only. What it knows lies in one SQLite file: stop it, kill it or
start it twice, and a milestone is still paid once. See docs/integrate.md.

    export SITEPROOF_TOKEN=$(siteproof token create --role core --area county/town)
    python core_system.py contract.json boundary.geojson --url http://127.0.0.1:8000 --state core.sqlite
"""

import argparse
import json
import os
import sqlite3
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path
from typing import Any

WAIT_S = 25  # the longest that the service lets a follower wait
PAUSE_S = 2.0  # before a request that could not be answered is made again


class Refused(Exception):
    """The service understood, and said no: trying again would not help."""


class Siteproof:
    """The few requests that a core system needs."""

    def __init__(self, url: str, token: str) -> None:
        """Remember where the service is, and who asks."""
        self._url, self._token = url.rstrip("/"), token

    def request(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        """One request and its answer; while the service does not answer, or asks for patience, again and again.

        Every request here may be made twice: a PUT sets the same thing again, a GET changes nothing.
        """
        while True:
            request = urllib.request.Request(  # noqa: S310 - the operator's own URL
                self._url + path,
                method=method,
                data=None if body is None else json.dumps(body).encode(),
                headers={"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"},
            )
            try:
                with urllib.request.urlopen(request, timeout=WAIT_S + 15) as response:  # noqa: S310 - the same
                    answer: dict[str, Any] = json.load(response)
                    return answer
            except urllib.error.HTTPError as error:
                if error.code < 500 and error.code != 429:  # noqa: PLR2004 - the server's errors, and too many requests
                    problem = json.load(error)
                    raise Refused(f"{method} {path}: {problem['code']}: {problem['detail']}") from error
            except OSError:
                pass  # nobody there just now
            time.sleep(PAUSE_S)

    def put_project(self, contract: dict[str, Any], boundary: dict[str, Any]) -> None:
        """The project, where it lies, and what is to be shown before each payment."""
        path = f"/v1/projects/{contract['id']}"
        self.request("PUT", path, contract["project"])
        self.request("PUT", f"{path}/boundary", boundary)
        for milestone in contract["milestones"]:
            wanted = {key: milestone[key] for key in ("title", "after", "requires") if key in milestone}
            self.request("PUT", f"{path}/milestones/{milestone['id']}", wanted)

    def read_events(self, after: str | None) -> tuple[list[dict[str, Any]], str]:
        """What happened after a cursor, and the cursor to go on from; waits until something does."""
        query = {"wait": str(WAIT_S)} | ({} if after is None else {"after": after})
        page = self.request("GET", "/v1/events?" + urllib.parse.urlencode(query))
        return page["items"], page["next"]

    def ask_gate(self, project_id: str, milestone_id: str) -> dict[str, Any]:
        """Whether the milestone may pass, with every reason if not."""
        return self.request("GET", f"/v1/projects/{project_id}/milestones/{milestone_id}/gate")


class Ledger:
    """What was promised, what was paid, and how far events were read: one file, one transaction a step."""

    def __init__(self, path: Path) -> None:
        """Open the file, or begin a new one."""
        self._file = sqlite3.connect(path, timeout=30)
        self._file.executescript(
            """
            CREATE TABLE IF NOT EXISTS promise (
                project_id TEXT, milestone_id TEXT, amount_yuan INTEGER NOT NULL,
                PRIMARY KEY (project_id, milestone_id));
            CREATE TABLE IF NOT EXISTS payment (
                project_id TEXT, milestone_id TEXT, amount_yuan INTEGER NOT NULL, evaluated_at TEXT NOT NULL,
                PRIMARY KEY (project_id, milestone_id));
            CREATE TABLE IF NOT EXISTS place (only INTEGER PRIMARY KEY CHECK (only = 1), after TEXT NOT NULL);
            """
        )

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def promise(self, contract: dict[str, Any]) -> None:
        """Note what each milestone is worth; what was noted once stays."""
        rows = [(contract["id"], each["id"], each["amount_yuan"]) for each in contract["milestones"]]
        with self._file:
            self._file.executemany("INSERT OR IGNORE INTO promise VALUES (?, ?, ?)", rows)

    def list_unpaid(self) -> list[tuple[str, str]]:
        """(project, milestone) of what is promised and not paid."""
        return self._file.execute(
            "SELECT project_id, milestone_id FROM promise"
            " EXCEPT SELECT project_id, milestone_id FROM payment ORDER BY 1, 2"
        ).fetchall()

    def pay(self, project_id: str, milestone_id: str, *, evaluated_at: str) -> int | None:
        """Pay a milestone, and say how much; None where it is paid already, be it by another process a moment ago.

        A real system writes the bank's order in this transaction, under the same key.
        """
        with self._file:
            row = self._file.execute(
                """
                INSERT INTO payment SELECT project_id, milestone_id, amount_yuan, ? FROM promise
                WHERE project_id = ? AND milestone_id = ? ON CONFLICT DO NOTHING RETURNING amount_yuan
                """,
                (evaluated_at, project_id, milestone_id),
            ).fetchone()
        return None if row is None else int(row[0])

    def find_place(self) -> str | None:
        """The cursor to go on from; None at the very beginning."""
        row = self._file.execute("SELECT after FROM place").fetchone()
        return None if row is None else str(row[0])

    def keep_place(self, after: str) -> None:
        """Remember how far events were read: only after what they ask for was done."""
        with self._file:
            self._file.execute(
                "INSERT INTO place VALUES (1, ?) ON CONFLICT DO UPDATE SET after = excluded.after", (after,)
            )


def settle(siteproof: Siteproof, ledger: Ledger, project_ids: set[str] | None = None) -> None:
    """Ask the gates of what is not paid (of these projects), and pay what passes."""
    for project_id, milestone_id in ledger.list_unpaid():
        if project_ids is not None and project_id not in project_ids:
            continue
        gate = siteproof.ask_gate(project_id, milestone_id)
        if gate["verdict"] != "pass":
            tell("held", f"{project_id}/{milestone_id}", ", ".join(reason["code"] for reason in gate["reasons"]))
            continue
        amount_yuan = ledger.pay(project_id, milestone_id, evaluated_at=gate["evaluated_at"])
        if amount_yuan is not None:
            tell("paid", f"{project_id}/{milestone_id}", f"{amount_yuan} yuan")


def follow(siteproof: Siteproof, ledger: Ledger, *, until_paid: bool) -> None:
    """Read events for ever, and look at the gates of the projects that they are about."""
    settle(siteproof, ledger)  # a gate may have opened while this was not running
    while ledger.list_unpaid() or not until_paid:
        events, after = siteproof.read_events(ledger.find_place())
        settle(siteproof, ledger, {event["source"].rpartition("/")[2] for event in events})
        ledger.keep_place(after)


def tell(*words: str) -> None:
    """One line, at once."""
    print(*words, flush=True)


def main() -> int:
    """Read the command line and go to work."""
    parser = argparse.ArgumentParser(description="A small core project system beside Siteproof.")
    parser.add_argument("contract", type=Path, help="JSON: id, project, milestones with amount_yuan")
    parser.add_argument("boundary", type=Path, help="GeoJSON Feature with the project's polygon")
    parser.add_argument("--url", default="http://127.0.0.1:8000", help="address of the service")
    parser.add_argument("--state", type=Path, default=Path("core.sqlite"), help="file for what it knows")
    parser.add_argument("--until-paid", action="store_true", help="end when every milestone is paid")
    given = parser.parse_args()
    contract = json.loads(given.contract.read_text(encoding="utf-8"))
    boundary = json.loads(given.boundary.read_text(encoding="utf-8"))
    siteproof = Siteproof(given.url, os.environ["SITEPROOF_TOKEN"])
    with closing(Ledger(given.state)) as ledger:
        try:
            siteproof.put_project(contract, boundary)
            tell("registered", contract["id"])
            ledger.promise(contract)
            follow(siteproof, ledger, until_paid=given.until_paid)
        except Refused as refusal:
            print(refusal, file=sys.stderr)
            return 1
        except KeyboardInterrupt:
            return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
