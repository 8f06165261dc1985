import { describe, expect, it } from "vitest";

import { Problem } from "../client";
import { lengthOf, placeFix, stationOf } from "./ground";
import { isDone, makePlan } from "./plan";
import { isPassing, pauseAfter } from "./sender";
import { lookingAt } from "./sensing";
import type { FieldMilestone, FieldProject, Requires, Shot, Zone } from "./shape";
import { freshFix, makeCapture, makeUuid, momentOfFile, type Moment } from "./shutter";
import { hasWord, w, WORDS } from "./words";

// On the equator of WGS 84 a degree of longitude is 6,378,137 m * pi / 180 = 111,319.49 m, one of latitude
// 6,378,137 m * (1 - 0.00669438) * pi / 180 = 110,574.28 m.
const SQUARE: Zone = polygon([
  [-0.001, -0.001],
  [0.001, -0.001],
  [0.001, 0.001],
  [-0.001, 0.001],
  [-0.001, -0.001],
]);
const LINE: Zone = {
  geometry: { type: "LineString", coordinates: [[0, 0], [0.002, 0]] },
  properties: { start_chainage_m: 1000 },
};

function polygon(...coordinates: (readonly [number, number])[][]): Zone {
  return { geometry: { type: "Polygon", coordinates }, properties: {} };
}

describe("words", () => {
  it("has every key in both languages, and nothing empty", () => {
    expect(Object.keys(WORDS.en).sort()).toEqual(Object.keys(WORDS.zh).sort());
    for (const words of Object.values(WORDS)) {
      for (const [key, text] of Object.entries(words)) expect(text.trim(), key).not.toBe("");
    }
  });

  it("names the same values in both languages", () => {
    const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();
    for (const [key, text] of Object.entries(WORDS.zh)) {
      expect(names(WORDS.en[key as keyof typeof WORDS.zh]), key).toEqual(names(text));
    }
  });

  it("says Chinese in Chinese", () => {
    const latin = Object.entries(WORDS.zh).filter(([, text]) => !/\p{Script=Han}/u.test(text));
    expect(latin.map(([key]) => key)).toEqual(["language.other"]);
    for (const [key, text] of Object.entries(WORDS.en)) {
      if (key !== "language.other") expect(text, key).not.toMatch(/\p{Script=Han}/u);
    }
  });

  it("fills names in, and leaves unknown ones alone", () => {
    expect(w("queue.waiting", { count: 3 })).toBe("待上传 3 张");
    expect(w("queue.waiting")).toBe("待上传 {count} 张");
    expect(hasWord("problem.media.too_large")).toBe(true);
    expect(hasWord("problem.of_tomorrow")).toBe(false);
  });
});

describe("placeFix", () => {
  // The northern and southern edges are nearest: 0.001 degrees, 110.57 m.
  it("is inside only when the whole accuracy circle is", () => {
    expect(placeFix({ lon: 0, lat: 0, accuracy_m: 110 }, SQUARE).side).toBe("inside");
    expect(placeFix({ lon: 0, lat: 0, accuracy_m: 111 }, SQUARE).side).toBe("cannot_tell");
    expect(placeFix({ lon: 0, lat: 0, accuracy_m: 5 }, SQUARE).distance_m).toBeCloseTo(-110.574, 2);
  });

  it("is outside only beyond twice the accuracy", () => {
    // 0.002 degrees of longitude east of the edge: 222.64 m.
    expect(placeFix({ lon: 0.003, lat: 0, accuracy_m: 111 }, SQUARE).side).toBe("outside");
    expect(placeFix({ lon: 0.003, lat: 0, accuracy_m: 112 }, SQUARE).side).toBe("cannot_tell");
    expect(placeFix({ lon: 0.003, lat: 0, accuracy_m: 5 }, SQUARE).distance_m).toBeCloseTo(222.639, 2);
  });

  it("reckons with 10 m where the browser gives no accuracy, and takes a hole for outside", () => {
    expect(placeFix({ lon: 0, lat: 0.00095, accuracy_m: 0 }, SQUARE).side).toBe("cannot_tell");
    const hole: (readonly [number, number])[] = [[-0.0005, -0.0005], [0.0005, -0.0005], [0.0005, 0.0005], [-0.0005, 0.0005], [-0.0005, -0.0005]];
    const ring = (SQUARE.geometry.coordinates as (readonly [number, number])[][])[0] ?? [];
    expect(placeFix({ lon: 0, lat: 0, accuracy_m: 5 }, polygon(ring, hole)).side).toBe("outside");
  });
});

describe("stationOf", () => {
  it("counts from the start chainage, along the line", () => {
    const station = stationOf({ lon: 0.001, lat: 0.0001 }, LINE);
    expect(station?.chainage_m).toBeCloseTo(1111.319, 2);
    expect(station?.offset_m).toBeCloseTo(11.057, 2);
    expect(lengthOf(LINE)).toBeCloseTo(222.639, 2);
  });

  it("ends at the line's ends", () => {
    expect(stationOf({ lon: -1, lat: 0 }, LINE)?.chainage_m).toBe(1000);
    expect(stationOf({ lon: 1, lat: 0 }, LINE)?.chainage_m).toBeCloseTo(1222.639, 2);
  });
});

describe("makePlan", () => {
  const project = (requires: Requires, sent: FieldProject["sent"] = []): [FieldProject, FieldMilestone] => {
    const milestone = { id: "m", title: "M", requires };
    return [{ id: "p", name: "P", boundary: null, alignment: LINE, milestones: [milestone], sent }, milestone];
  };
  const at = (lon: number): FieldProject["sent"][number] => ({ clientId: null, milestoneId: "m", counts: true, lon, lat: 0 });

  it("names the stretches that have no photo, neighbours as one", () => {
    // 0.0005 degrees are 55.66 m: the second of the stations [0, 50), [50, 100), ... of 222.64 m.
    const [place, milestone] = project({ photos: { min: 3, every_m: 50 } }, [at(0.0005)]);
    const plan = makePlan(place, milestone, []);
    expect(plan.photos).toEqual({ have: 1, min: 3 });
    expect(plan.gaps.map(([from]) => from)).toEqual([1000, 1100]);
    expect(plan.gaps[0]?.[1]).toBe(1050);
    expect(plan.gaps[1]?.[1]).toBeCloseTo(1222.639, 2);
    expect(isDone(plan)).toBe(false);
  });

  it("counts what waits on this phone, not what was refused, misplaced, or is known to the service", () => {
    const [place, milestone] = project({ photos: { min: 1 } }, [{ ...at(0), clientId: "known", counts: false }]);
    const shots = [shot("known"), shot("waits"), { ...shot("no"), state: "refused" as const }, { ...shot("bad"), grade: "D" }];
    const plan = makePlan(place, milestone, shots);
    expect(plan.photos).toEqual({ have: 1, min: 1 });
    expect(isDone(plan)).toBe(true);
  });
});

function shot(id: string): Shot {
  return {
    id,
    projectId: "p",
    milestoneId: "m",
    takenAt: 0,
    fileName: "a.jpg",
    type: "image/jpeg",
    size: 1,
    sha256: null,
    capture: "{}",
    lon: 0,
    lat: 0,
    thumbnail: null,
    state: "waiting",
    uploadUrl: null,
    attempts: 0,
    problem: null,
    mediaId: null,
    status: null,
    grade: null,
    checks: [],
  };
}

describe("sending", () => {
  it("waits twice as long after each failure, never longer than a minute", () => {
    expect([1, 2, 3].map((failures) => pauseAfter(failures, 1))).toEqual([2000, 4000, 8000]);
    expect(pauseAfter(1, 0)).toBe(1000);
    expect(pauseAfter(500, 1)).toBe(60_000);
  });

  it("tries again what may pass, and puts before a person what will not", () => {
    const passing: [number, string][] = [[0, "network.unreachable"], [423, "upload.locked"], [409, "upload.offset_mismatch"],
      [429, "upload.too_many"], [503, "storage.database_unavailable"], [507, "media.store_full"], [404, "upload.not_found"], [401, "token.unknown"]];
    const lasting: [number, string][] = [[409, "media.client_id_taken"], [413, "media.too_large"], [415, "media.unsupported_format"],
      [422, "milestone.unknown"], [404, "project.not_found"]];
    for (const [status, code] of passing) expect(isPassing(new Problem(status, code, "")), code).toBe(true);
    for (const [status, code] of lasting) expect(isPassing(new Problem(status, code, "")), code).toBe(false);
  });
});

describe("the moment of a shot", () => {
  const now: Moment = {
    takenAt: 1_790_000_000_000,
    fix: { lon: 120, lat: 30, accuracy_m: 5, altitude_m: null, at_ms: 1_789_999_990_000 },
    bearing_deg: 359.96,
    monotonic_ms: 12.4,
  };

  it("goes along as the contract has it", () => {
    expect(makeCapture("id", now, "m", "camera")).toMatchObject({
      client_id: "id",
      taken_at: "2026-09-21T14:13:20.000Z",
      position: { lon: 120, lat: 30, accuracy_m: 5, bearing_deg: 360, crs: "wgs84", source: "browser" },
      position_at: "2026-09-21T14:13:10.000Z",
      milestone_id: "m",
      clock: { monotonic_ms: 12 },
      taken_with: "camera",
    });
  });

  it("is not claimed for a picture from the album", () => {
    const old = { lastModified: Date.now() - 3_600_000 } as File;
    const capture = makeCapture("id", momentOfFile(old, now), null, "file");
    expect(capture).not.toHaveProperty("position");
    expect(capture).not.toHaveProperty("taken_at");
    expect(capture).not.toHaveProperty("milestone_id");
  });

  it("has no place from a fix that is old", () => {
    expect(freshFix(now.fix, 1_789_999_990_000 + 30_000)).toBe(now.fix);
    expect(freshFix(now.fix, 1_789_999_990_000 + 30_001)).toBeNull();
  });

  it("has a UUID of version 4 (RFC 9562), never twice", () => {
    expect(makeUuid()).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(makeUuid()).not.toBe(makeUuid());
  });
});

describe("lookingAt", () => {
  // W3C Device Orientation: alpha turns counter-clockwise, upright is beta 90.
  it("is where the back camera of an upright phone looks", () => {
    expect(lookingAt(0, 90, 0)).toBeCloseTo(0, 6);
    expect(lookingAt(90, 90, 0)).toBeCloseTo(270, 6);
    expect(lookingAt(180, 90, 0)).toBeCloseTo(180, 6);
  });

  it("is unknown of a phone that lies flat", () => {
    expect(lookingAt(123, 0, 0)).toBeNull();
  });
});
