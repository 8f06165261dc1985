// The geometry of a small plot of readings: buckets in, SVG paths out. No drawing library, because this is all of it.

import type { Bucket } from "./wire";

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Two readings further apart than this are not joined, so that a gap shows as a gap. [ms] */
  readonly gap: number;
}

export interface Plot {
  readonly line: string;
  readonly band: string;
  readonly low: number;
  readonly high: number;
  x(moment: number): number;
  y(value: number): number;
}

/** Null where there is nothing to draw. `limits` are kept in view. */
export function makePlot(buckets: readonly Bucket[], limits: readonly number[], frame: Frame): Plot | null {
  const inside = buckets.filter((each) => Date.parse(each.t) >= frame.from && Date.parse(each.t) <= frame.to);
  if (inside.length === 0) return null;
  const low = Math.min(...inside.map((each) => each.min));
  const high = Math.max(...inside.map((each) => each.max));
  const bottom = Math.min(low, ...limits);
  const top = Math.max(high, ...limits);
  const margin = (top - bottom || Math.abs(top) || 1) * 0.08;
  const x = (moment: number): number => ((moment - frame.from) / (frame.to - frame.from || 1)) * frame.width;
  const y = (value: number): number =>
    frame.height - ((value - bottom + margin) / (top - bottom + 2 * margin)) * frame.height;
  const at = (bucket: Bucket, value: number): string => `${round(x(Date.parse(bucket.t)))},${round(y(value))}`;
  const runs = splitAtGaps(inside, frame.gap);
  return {
    line: runs.map((run) => `M${run.map((each) => at(each, each.mean)).join("L")}${run.length === 1 ? "h.01" : ""}`).join(""),
    band: runs
      .map((run) => {
        const above = run.map((each) => at(each, each.max));
        const below = [...run].reverse().map((each) => at(each, each.min));
        return `M${[...above, ...below].join("L")}Z`;
      })
      .join(""),
    low,
    high,
    x,
    y,
  };
}

/** From which distance on two readings are a gap: three times the gauge's own pace, and never less than `least`. [ms] */
export function chooseGap(buckets: readonly Bucket[], least: number): number {
  const moments = buckets.map((each) => Date.parse(each.t));
  const paces = moments.slice(1).map((moment, place) => moment - (moments[place] ?? moment)).sort((a, b) => a - b);
  return Math.max(least, 3 * (paces[Math.floor(paces.length / 2)] ?? 0));
}

function splitAtGaps(buckets: readonly Bucket[], gap: number): Bucket[][] {
  const runs: Bucket[][] = [];
  let before = Number.NEGATIVE_INFINITY;
  for (const bucket of buckets) {
    const moment = Date.parse(bucket.t);
    if (moment - before > gap) runs.push([]);
    runs.at(-1)?.push(bucket);
    before = moment;
  }
  return runs;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
