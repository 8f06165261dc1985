"""Photos used again in disguise: what the search among many costs, and how many copies and strangers it tells apart.

`--hashes N` fills N synthetic hashes (the same everywhere but for luck, as good hashes are) beside a database of a
hundredth of them, and times the search of the product. `--pictures FOLDER...` takes every picture below the folders,
makes a copy of each in several ways and looks whether it is found and told; strangers are all pairs of different
pictures, by hash, and then by their pixels where the hashes are alike, with `--within-site` also where they are not.
Pixels are compared for the first `--compared` pictures only, because that takes a fifth of a second each.

Guards against a search that reads the table, and against a rule that misses copies or accuses strangers. Run it from
the repository's root: `python -m benchmarks.near_reuse --hashes 1000000`; its peer compares one hash with all.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import cv2
import numpy as np
import psycopg
from numpy.typing import NDArray

from domain.evidence import Verdict
from domain.likeness import Likeness
from domain.picture_hash import ALIKE_BITS, BITS, PictureHash, count_different_bits, list_keys, list_probes
from ingestion.near_reuse_check import EarlierLike, judge_near_reuse
from runtime.embedded_postgresql import EmbeddedPostgresql
from storage.database import Database
from storage.migration import migrate
from storage.picture_hash import find_near_pictures
from vision.annotation import PREVIEW_SIDE_PX
from vision.likeness import compare_pictures
from vision.picture_hash import HashedPicture, hash_picture

Pixels = NDArray[np.uint8]

SOUGHT: Final = 20  # as many as a picture has
SEARCHES: Final = 100
SUFFIXES: Final = {".jpg", ".jpeg", ".png", ".webp"}
LEAST_SIDE_PX: Final = 64
WITHIN_SITE: Final = 20  # neighbours by name, such as frames of one video


@dataclass(frozen=True)
class Sample:
    """A picture as the analysis sees it."""

    path: Path
    pixels: Pixels
    hashed: HashedPicture


def fill(url: str, count: int) -> None:
    """Photos with random hashes."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO token (id, secret_sha256, role, area) VALUES (gen_random_uuid(), '\\x00', 'field', 'a')"
        )
        connection.execute(
            "INSERT INTO project (id, name, kind, area, time_zone, project_class, public_code) "
            "VALUES ('p', 'p', 'road', 'a', 'Asia/Shanghai', 'B', 'c')"
        )
        connection.execute(
            "INSERT INTO media (id, project_id, token_id, sha256, size_bytes, format, status, received_at, "
            "grade) "
            "SELECT gen_random_uuid(), 'p', (SELECT id FROM token), encode(sha256(n::text::bytea), 'hex'), 1, "
            "'image/jpeg', 'analysed', now(), 'A' FROM generate_series(1, %s) AS n",
            (count,),
        )
        chance = random.Random(3)  # noqa: S311 - the same hashes every time
        media_ids = [row[0] for row in connection.execute("SELECT id FROM media ORDER BY seq")]
        with connection.cursor() as cursor, cursor.copy("COPY picture_band (key, media_id, bits) FROM STDIN") as copy:
            for media_id in media_ids:
                bits = chance.getrandbits(BITS)
                for key in list_keys(bits):
                    copy.write_row((key, media_id, bits - (1 << BITS) * (bits >> (BITS - 1))))
        connection.execute("VACUUM ANALYZE picture_band")
        connection.execute("VACUUM ANALYZE media")


def draw_hash(chance: random.Random) -> PictureHash:
    """A random hash."""
    return PictureHash(chance.getrandbits(BITS), tuple(chance.sample(range(BITS), BITS)))


def search(url: str) -> tuple[list[float], float, int]:
    """The times of searches, that of comparing all, in milliseconds, and how many of the planted copies are found."""
    chance = random.Random(1)  # noqa: S311 - the same run every time
    database = Database(url, max_connections=1)
    with database.transaction() as connection:
        newest = connection.execute("SELECT id FROM media ORDER BY seq DESC LIMIT 1").fetchone()
        rows = connection.execute("SELECT DISTINCT media_id, bits FROM picture_band LIMIT 1000").fetchall()
    assert newest is not None
    times, found = [], 0
    for _ in range(SEARCHES):
        media_id, signed = chance.choice(rows)
        planted = signed % (1 << BITS) ^ sum(1 << each for each in chance.sample(range(BITS), 3))
        sought = [draw_hash(chance) for _ in range(SOUGHT - 1)]
        sought.append(PictureHash(planted, tuple(chance.sample(range(BITS), BITS))))
        with database.transaction() as connection:
            began = time.perf_counter()
            near = find_near_pictures(connection, media_id=newest[0], sought=sought, limit=8)
            times.append(1000 * (time.perf_counter() - began))
        found += any(each.media_id == media_id for each in near) or media_id == newest[0]
    with database.transaction() as connection:
        began = time.perf_counter()
        connection.execute(
            "SELECT count(*) FROM picture_band WHERE key < 65536 AND bit_count((bits # %s)::bit(64)) <= %s",
            (rows[0][1], ALIKE_BITS),
        )
        all_ms = 1000 * (time.perf_counter() - began)
    database.close()
    return times, all_ms, found


def measure_search(hashes: int) -> None:
    """The table of the search's cost."""
    print(f"{'stored':>12}{'search p50':>14}{'p95':>12}{'found':>8}{'one hash with all, in SQL':>28}")
    with tempfile.TemporaryDirectory() as folder, EmbeddedPostgresql(Path(folder) / "data") as server:
        for count in (hashes // 100, hashes):
            name = f"hashes_{count}"
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}")
            url = psycopg.conninfo.make_conninfo(server.url, dbname=name)
            migrate(url)
            fill(url, count)
            search(url)
            times, all_ms, found = search(url)
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"{count:>12,}{statistics.median(times):>11.1f} ms{p95:>9.1f} ms{found:>8}{all_ms:>25.0f} ms")


def load(folders: Sequence[Path]) -> list[Sample]:
    """Every picture that can be decoded and is no icon."""
    samples = []
    for path in sorted(each for folder in folders for each in folder.rglob("*") if each.suffix.lower() in SUFFIXES):
        pixels = cv2.imread(str(path))
        if pixels is None or min(pixels.shape[:2]) < LEAST_SIDE_PX:
            continue
        shown = show(np.asarray(pixels, np.uint8))
        hashed = hash_picture(shown)
        if hashed is not None:
            samples.append(Sample(path, shown, hashed))
    return samples


def show(pixels: Pixels) -> Pixels:
    """As a preview: reduced, and through a JPEG."""
    scale = PREVIEW_SIDE_PX / max(pixels.shape[:2])
    if scale < 1:
        pixels = np.asarray(cv2.resize(pixels, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
    return encode(pixels, 85)


def encode(pixels: Pixels, quality: int) -> Pixels:
    """Through a JPEG of this quality."""
    data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def make_ways(chance: random.Random) -> dict[str, Callable[[Pixels], Pixels]]:
    """How copies are made."""

    def cut(pixels: Pixels, side: float) -> Pixels:
        height, width = pixels.shape[:2]
        rows, columns = round(height * side), round(width * side)
        top, left = chance.randint(0, height - rows), chance.randint(0, width - columns)
        return pixels[top : top + rows, left : left + columns]

    def reduce(pixels: Pixels) -> Pixels:
        return np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8)

    return {
        "resized to a half": lambda pixels: encode(reduce(pixels), 85),
        "recompressed at 30": lambda pixels: encode(pixels, 30),
        "brightened by 10 % and 40 levels": lambda p: encode(np.asarray(cv2.convertScaleAbs(p, None, 1.1, 40)), 85),
        "gamma 0.6": lambda p: encode(np.asarray(255 * (p / 255) ** 0.6, np.uint8), 85),
        "all three": lambda p: encode(np.asarray(cv2.convertScaleAbs(reduce(p), None, 1.1, 25)), 50),
        "cut to 90 % of each side": lambda pixels: encode(cut(pixels, 0.9), 80),
        "cut to 90 % of the area": lambda pixels: encode(cut(pixels, 0.9**0.5), 80),
        "mirrored": lambda pixels: encode(np.ascontiguousarray(pixels[:, ::-1]), 80),
    }


def list_alike(hashed: HashedPicture, kept: dict[int, list[int]], samples: Sequence[Sample]) -> set[int]:
    """Which samples the search would give, as the SQL does."""
    return {
        index
        for each in hashed.sought
        for key in list_probes(each)
        for index in kept.get(key, ())
        if count_different_bits(each.bits, samples[index].hashed.kept.bits) <= ALIKE_BITS
    }


def judge(likeness: Likeness | None) -> Verdict:
    """As a photo of another project."""
    if likeness is None:
        return Verdict.PASS
    earlier = EarlierLike(UUID(int=1), datetime.now(UTC), False, False, None, likeness)  # noqa: FBT003 - two facts
    check, _ = judge_near_reuse([earlier], zone=ZoneInfo("UTC"))
    return Verdict.PASS if check is None else check.verdict


def measure_pictures(folders: Sequence[Path], *, limit: int, most_compared: int, within_site: bool) -> None:
    """The tables of copies and of strangers."""
    samples = load(folders)
    random.Random(1).shuffle(samples)  # noqa: S311 - the same run every time
    samples = samples[:limit]
    kept: dict[int, list[int]] = {}
    for index, sample in enumerate(samples):
        for key in list_keys(sample.hashed.kept.bits):
            kept.setdefault(key, []).append(index)
    print(f"\n{len(samples)} pictures; of the first {most_compared} the pixels are compared")
    print(f"{'copies':<36}{'found':>8}{'compared':>10}{'told':>8}{'unknown':>9}")
    for name, way in make_ways(random.Random(2)).items():  # noqa: S311 - the same run every time
        found = 0
        verdicts = []
        for index, sample in enumerate(samples):
            copy = way(sample.pixels)
            hashed = hash_picture(copy)
            if hashed is None or index not in list_alike(hashed, kept, samples):
                continue
            found += 1
            if index < most_compared:
                verdicts.append(judge(compare_pictures(copy, sample.pixels)))
        told, unknown = (verdicts.count(each) / max(len(verdicts), 1) for each in (Verdict.FAIL, Verdict.UNKNOWN))
        print(f"{name:<36}{found / len(samples):>8.3f}{len(verdicts):>10}{told:>8.3f}{unknown:>9.3f}", flush=True)
    pairs = list(list_strangers(samples, kept))
    strangers = [(judge(compare_pictures(samples[a].pixels, samples[b].pixels)), a, b) for a, b in pairs]
    print(f"\n{len(samples) * (len(samples) - 1):,} pairs of different pictures: {len(pairs)} alike by hash")
    show_told(strangers, samples)
    if within_site:
        ordered = sorted(range(len(samples)), key=lambda index: samples[index].path)
        near = [(a, b) for n, a in enumerate(ordered) for b in ordered[n + 1 : n + 1 + WITHIN_SITE]]
        strangers = [(judge(compare_pictures(samples[a].pixels, samples[b].pixels)), a, b) for a, b in near]
        print(f"{len(near):,} pairs of neighbours by name, pixels compared whatever their hashes")
        show_told(strangers, samples)


def list_strangers(samples: Sequence[Sample], kept: dict[int, list[int]]) -> Iterator[tuple[int, int]]:
    """Pairs of different pictures that the search would give."""
    for index, sample in enumerate(samples):
        yield from ((index, other) for other in sorted(list_alike(sample.hashed, kept, samples)) if other != index)


def show_told(told: Sequence[tuple[Verdict, int, int]], samples: Sequence[Sample]) -> None:
    """How many are accused, and which are not plainly different."""
    counts = {verdict: sum(each[0] is verdict for each in told) for verdict in (Verdict.FAIL, Verdict.UNKNOWN)}
    print(f"  told to be copies: {counts[Verdict.FAIL]}, unknown: {counts[Verdict.UNKNOWN]}")
    for verdict, one, other in told:
        if verdict is not Verdict.PASS:
            print(f"  {verdict}: {samples[one].path.name} {samples[other].path.name}")


def main() -> None:
    """Run what is asked for and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hashes", type=int, default=0)
    parser.add_argument("--pictures", type=Path, nargs="+", default=[])
    parser.add_argument("--limit", type=int, default=1000, help="at most so many pictures")
    parser.add_argument("--compared", type=int, default=1000, help="of so many the pixels")
    parser.add_argument("--within-site", action="store_true")
    given = parser.parse_args()
    if given.hashes:
        measure_search(given.hashes)
    if given.pictures:
        measure_pictures(given.pictures, limit=given.limit, most_compared=given.compared, within_site=given.within_site)


if __name__ == "__main__":
    main()
