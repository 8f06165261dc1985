import { describe, expect, it } from "vitest";

import { makeAddress, makePath } from "./client";
import { formatAgo, formatChainage, formatNumber, formatPercent, formatTime, formatWithin } from "./format";
import { compareIssues, listQueries } from "./issue-book";
import { Lane } from "./lane";
import { chooseLanguage, chooseText, formatMessage } from "./language";
import { MESSAGES } from "./messages";
import { compareFindings, passes, readFilter, START_FILTER, writeFilter, type Filter } from "./ordering";
import { walkPages } from "./paging";
import { addressOfIssue, readPlace } from "./place";
import { chooseGap, makePlot } from "./plot";
import { readTokenOfHash } from "./session";
import { findLevel } from "./side";
import { chooseWindow } from "./sensor-plot";
import {
  ISSUE_STATUSES,
  KINDS,
  SEVERITIES,
  STATUSES,
  type Bucket,
  type Finding,
  type Issue,
  type Page,
  type Sensor,
} from "./wire";

describe("messages", () => {
  it("has every key in both languages, and nothing empty", () => {
    expect(Object.keys(MESSAGES.en).sort()).toEqual(Object.keys(MESSAGES.zh).sort());
    for (const texts of Object.values(MESSAGES)) {
      for (const [key, text] of Object.entries(texts)) expect(text.trim(), key).not.toBe("");
    }
  });

  it("names the same values in both languages", () => {
    const names = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? "").sort();
    for (const [key, text] of Object.entries(MESSAGES.zh)) {
      expect(names(MESSAGES.en[key as keyof typeof MESSAGES.zh]), key).toEqual(names(text));
    }
  });

  it("knows a word for each kind, severity and status of the API", () => {
    const values = [...KINDS.map((each) => `kind.${each}`), ...SEVERITIES.map((each) => `severity.${each}`)];
    const issues = ISSUE_STATUSES.map((each) => `issue.status.${each}`);
    const steps = ISSUE_STATUSES.filter((each) => each !== "open" && each !== "rectified").map((each) => `issue.step.${each}`);
    for (const key of [...values, ...STATUSES.map((each) => `status.${each}`), ...issues, ...steps]) {
      expect(MESSAGES.zh).toHaveProperty([key]);
    }
  });

  it("says Chinese in Chinese", () => {
    const latin = Object.entries(MESSAGES.zh).filter(([, text]) => !/\p{Script=Han}/u.test(text));
    expect(latin.map(([key]) => key)).toEqual(["language.other", "review.by"]);
  });
});

describe("language", () => {
  it("is the browser's first that there is a dictionary for", () => {
    expect(chooseLanguage(["de-DE", "en-GB", "zh-CN"], null)).toBe("en");
    expect(chooseLanguage(["zh-Hant-TW", "en"], null)).toBe("zh");
  });

  it("is Chinese where the browser wants neither, and what was remembered counts first", () => {
    expect(chooseLanguage(["fr"], null)).toBe("zh");
    expect(chooseLanguage(["zh"], "en")).toBe("en");
    expect(chooseLanguage(["en"], "klingon")).toBe("en");
  });

  it("fills names in once, and leaves unknown ones alone", () => {
    expect(formatMessage("en", "side.media", { count: "{count}" })).toBe("{count} media");
    expect(formatMessage("en", "side.media")).toBe("{count} media");
  });

  it("falls back to a language that the text has", () => {
    expect(chooseText({ zh: "未戴安全帽" }, "en")).toBe("未戴安全帽");
    expect(chooseText({ en: "no hat", zh: "无" }, "en")).toBe("no hat");
    expect(chooseText({}, "en")).toBe("");
  });
});

describe("format", () => {
  it("writes a time in the project's zone", () => {
    // 23:30 in UTC is 07:30 of the next day in Shanghai, which is eight hours ahead the whole year.
    expect(formatTime("2026-02-28T23:30:05Z", "Asia/Shanghai")).toBe("2026-03-01 07:30");
    expect(formatTime("2026-02-28T23:30:05Z", "Asia/Shanghai", { seconds: true })).toBe("2026-03-01 07:30:05");
    expect(formatTime("2026-02-28T16:00:00Z", "Asia/Shanghai", { date: false })).toBe("00:00");
  });

  it("reads an unknown zone as UTC, and leaves what is no time as it is", () => {
    expect(formatTime("2026-02-28T23:30:05Z", "Mars/Olympus")).toBe("2026-02-28 23:30");
    expect(formatTime("soon", "Asia/Shanghai")).toBe("soon");
  });

  it("says how long ago in the coarsest unit that fits", () => {
    const now = Date.parse("2026-03-10T12:00:00Z");
    expect(formatAgo("2026-03-10T12:00:30Z", now, "en")).toBe("just now");
    expect(formatAgo("2026-03-10T11:01:00Z", now, "en")).toBe("59 min ago");
    expect(formatAgo("2026-03-09T12:00:00Z", now, "zh")).toBe("24 小时前");
    expect(formatAgo("2026-03-05T12:00:00Z", now, "en")).toBe("5 d ago");
    expect(formatAgo("soon", now, "en")).toBe("");
  });

  it("writes a chainage as on site", () => {
    expect(formatChainage(0)).toBe("K0+000");
    expect(formatChainage(150)).toBe("K0+150");
    expect(formatChainage(1234.5)).toBe("K1+234.5");
    expect(formatChainage(1999.96)).toBe("K2+000");
    expect(formatChainage(-20)).toBe("-K0+020");
  });

  it("keeps the digits that matter of a reading", () => {
    expect(formatNumber(8.123456)).toBe("8.123");
    expect(formatNumber(-0.5)).toBe("-0.5");
    expect(formatNumber(123456.7)).toBe("123457");
    expect(formatNumber(0)).toBe("0");
    expect(formatNumber(1.23456e-7)).toBe("1.23e-7");
    expect(formatNumber(Number.NaN)).toBe("–");
    // A thousandth of a span in the tens is a hundredth, of one in the thousandths a millionth, of one in the thousands a unit.
    expect([formatWithin(-0.03791, 13.57), formatWithin(13.534, 13.57)]).toEqual(["-0.04", "13.53"]);
    expect([formatWithin(0.12345678, 0.004), formatWithin(1234.6, 2000)]).toEqual(["0.123457", "1235"]);
    expect(formatWithin(7.25, 0)).toBe("7.25");
    expect(formatPercent(0.876)).toBe("88 %");
  });
});

describe("walking pages", () => {
  const serve = (pages: Record<string, Page<number>>) => (after: string | null) => {
    const page = pages[after ?? "start"];
    return page ? Promise.resolve(page) : Promise.reject(new Error(`asked after ${after}`));
  };

  it("follows the cursor to the end, and remembers the last page", async () => {
    const read = serve({ start: { items: [1, 2], next: "a" }, a: { items: [3], next: "b" }, b: { items: [], next: null } });
    expect(await walkPages(read, { bound: 100 })).toEqual({ items: [1, 2, 3], complete: true, tail: "b" });
    expect(await walkPages(read, { bound: 100, from: "a" })).toEqual({ items: [3], complete: true, tail: "b" });
  });

  it("stops at its bound and says that there is more", async () => {
    const read = serve({ start: { items: [1, 2], next: "a" }, a: { items: [3, 4], next: "b" } });
    expect(await walkPages(read, { bound: 3 })).toEqual({ items: [1, 2, 3], complete: false, tail: "a" });
  });

  it("does not walk in a circle", async () => {
    const read = serve({ start: { items: [1], next: "a" }, a: { items: [], next: "a" } });
    expect((await walkPages(read, { bound: 100 })).items).toEqual([1]);
  });
});

function makeFinding(change: Partial<Finding>): Finding {
  const base = { id: "f", project_id: "p", kind: "safety", severity: "minor", status: "open" } as const;
  return { ...base, occurred_at: "2026-03-10T12:00:00Z", ...change } as Finding;
}

describe("ordering", () => {
  const findings = [
    makeFinding({ id: "old-critical", severity: "critical", occurred_at: "2026-03-01T00:00:00Z" }),
    makeFinding({ id: "new-info", severity: "info", occurred_at: "2026-03-09T00:00:00Z" }),
    makeFinding({ id: "new-critical", severity: "critical", occurred_at: "2026-03-08T00:00:00Z" }),
    makeFinding({ id: "major", severity: "major", occurred_at: "2026-03-09T12:00:00+08:00" }),
  ];

  it("puts the severest first, of these the newest", () => {
    const ids = [...findings].sort((a, b) => compareFindings(a, b, "severity")).map((each) => each.id);
    expect(ids).toEqual(["new-critical", "old-critical", "major", "new-info"]);
  });

  it("puts the newest first, by the moment and not by its text", () => {
    // 12:00 at +08:00 is 04:00 in UTC, four hours after the info.
    const ids = [...findings].sort((a, b) => compareFindings(a, b, "newest")).map((each) => each.id);
    expect(ids).toEqual(["major", "new-info", "new-critical", "old-critical"]);
  });

  it("lets through what each part of the filter lets through", () => {
    const filter: Filter = { ...START_FILTER, project: "p", kind: "safety", severity: "minor" };
    expect(passes(makeFinding({}), filter)).toBe(true);
    expect(passes(makeFinding({ status: "confirmed" }), filter)).toBe(false);
    expect(passes(makeFinding({ project_id: "q" }), filter)).toBe(false);
    expect(passes(makeFinding({ status: "dismissed" }), { ...filter, status: "" })).toBe(true);
  });

  it("comes back from the address as it was written", () => {
    const filter: Filter = { project: "demo-road", kind: "sensor", severity: "", status: "", order: "newest" };
    expect(readFilter(writeFilter(filter))).toEqual(filter);
    expect(writeFilter(START_FILTER)).toBe("");
    expect(readFilter("?kind=%3Cscript%3E&status=gone&order=random")).toEqual(START_FILTER);
  });
});

describe("client", () => {
  it("keeps an id within its segment of the path", () => {
    expect(makePath("sensors", "../tokens?x=1", "latest")).toBe("/v1/sensors/..%2Ftokens%3Fx%3D1/latest");
  });

  it("leaves out of the query what is not given", () => {
    expect(makeAddress("/v1/events", { after: null, wait: 0, kind: "" })).toBe("/v1/events?wait=0");
    expect(makeAddress("/v1/events", { after: undefined })).toBe("/v1/events");
  });

  it("reads the token of an address's fragment", () => {
    expect(readTokenOfHash("#token=abc_-%2B")).toBe("abc_-+");
    expect(readTokenOfHash("#findings")).toBeNull();
    expect(readTokenOfHash("#token=%20")).toBeNull();
  });
});

describe("lane", () => {
  it("runs no more at once than it is wide, and never what was given up while it waited", async () => {
    const lane = new Lane(1);
    const ran: string[] = [];
    let open = (): void => undefined;
    const gate = new Promise<void>((resolve) => (open = resolve));
    const first = lane.run(() => (ran.push("first"), gate), new AbortController().signal);
    const stop = new AbortController();
    const second = lane.run(() => Promise.resolve(ran.push("second")), stop.signal);
    const third = lane.run(() => Promise.resolve(ran.push("third")), new AbortController().signal);
    stop.abort();
    expect(ran).toEqual(["first"]);
    open();
    await first;
    await expect(second).rejects.toThrow();
    await third;
    expect(ran).toEqual(["first", "third"]);
  });
});

describe("plot", () => {
  const at = (minute: number): string => new Date(minute * 60_000).toISOString();
  const bucket = (minute: number, mean: number): Bucket => ({ t: at(minute), mean, min: mean, max: mean, n: 1 });
  const frame = { width: 100, height: 100, from: 0, to: 10 * 60_000, gap: 2 * 60_000 };

  it("spreads time over the width and values over the height, with a margin of 8 %", () => {
    const plot = makePlot([bucket(0, 0), bucket(1, 10)], [], frame);
    // Values 0 to 10 with 0.8 to each side: 0 lies at 100 - 0.8 / 11.6 * 100 = 93.10, 10 at 100 - 10.8 / 11.6 * 100 = 6.90.
    expect(plot?.line).toBe("M0,93.1L10,6.9");
    expect([plot?.low, plot?.high]).toEqual([0, 10]);
  });

  it("shows a gap as a gap", () => {
    const plot = makePlot([bucket(0, 1), bucket(1, 1), bucket(5, 1), bucket(6, 1)], [], frame);
    expect(plot?.line.match(/M/g)).toHaveLength(2);
  });

  it("takes three times the gauge's own pace for a gap, so that hourly readings are a line", () => {
    const hours = [0, 60, 120, 180, 600].map((minute) => bucket(minute, 1));
    expect(chooseGap(hours, 5 * 60_000)).toBe(180 * 60_000);
    expect(chooseGap([bucket(0, 1), bucket(1, 1), bucket(2, 1)], 5 * 60_000)).toBe(5 * 60_000);
    expect(chooseGap([], 5 * 60_000)).toBe(5 * 60_000);
  });

  it("keeps the limits in view", () => {
    const plot = makePlot([bucket(0, 1)], [15], frame);
    expect(plot?.y(15)).toBeGreaterThan(0);
    expect(plot?.high).toBe(1);
  });

  it("is nothing where nothing was read within the frame", () => {
    expect(makePlot([], [15], frame)).toBeNull();
    expect(makePlot([bucket(11, 1)], [], frame)).toBeNull();
  });
});

describe("sensors", () => {
  const alarms = [
    { level: "yellow", above: 8, below: null },
    { level: "red", above: 15, below: -15 },
  ];
  const sensor = { alarms } as unknown as Sensor;

  it("shows the severest level that the reading is beyond", () => {
    const level = (v: number): string | null => findLevel(sensor, { t: "", v, q: "good" });
    expect([level(8), level(8.1), level(16), level(-20)]).toEqual([null, "yellow", "red", "red"]);
  });

  it("plots six hours that end now, or three hours after an older finding", () => {
    const hour = 3_600_000;
    expect(chooseWindow(99 * hour, 100 * hour)).toEqual({ from: 94 * hour, to: 100 * hour });
    expect(chooseWindow(50 * hour, 100 * hour)).toEqual({ from: 47 * hour, to: 53 * hour });
  });
});

describe("place", () => {
  const id = "01234567-89ab-4cde-8f01-23456789abcd";

  it("is the page that the address names, with the issue that it opens", () => {
    expect(readPlace("#/issues")).toEqual({ page: "issues", issueId: null });
    expect(readPlace(addressOfIssue(id))).toEqual({ page: "issues", issueId: id });
  });

  it("is the findings wherever else the address leads", () => {
    for (const hash of ["", "#findings", "#/findings", "#/issues/../tokens", `#/elsewhere/${id}`]) {
      expect(readPlace(hash)).toEqual({ page: "findings", issueId: null });
    }
  });
});

describe("issues", () => {
  const make = (id: string, due_at: string, overdue = false): Issue => ({ id, due_at, overdue }) as Issue;

  it("come with the overdue first, then by the moment at which they are due", () => {
    const issues = [
      make("later", "2026-11-24T16:00:00Z"),
      // 20:00 at +08:00 is 12:00 in UTC, four hours before the first.
      make("sooner", "2026-11-24T20:00:00+08:00"),
      make("late", "2026-12-30T16:00:00Z", true),
    ];
    expect([...issues].sort(compareIssues).map((each) => each.id)).toEqual(["late", "sooner", "later"]);
  });

  it("are asked for by every status but closed where they wait", () => {
    const asked = listQueries("waiting").map((each) => each["status"]);
    expect(asked).toEqual(["open", "assigned", "rectified", "failed", "reopened"]);
    expect(listQueries("overdue")).toEqual([{ overdue: true }]);
    expect(listQueries("closed")).toEqual([{ status: "closed" }]);
  });
});
