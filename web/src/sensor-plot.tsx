// A finding's sensor: its readings around the moment, with the alarm's limits and the finding's own time.

import { useEffect, useState } from "preact/hooks";

import { isAbort } from "./client";
import { formatTime, formatWithin } from "./format";
import { t } from "./language";
import { chooseGap, makePlot } from "./plot";
import type { Site } from "./site";
import type { Bucket, Finding } from "./wire";

const WIDTH = 256;
const HEIGHT = 132;
const SPAN_MS = 6 * 3_600_000;
const LEAST_GAP_MS = 5 * 60_000;
const AGAIN_MS = 30_000;

/** Six hours that end now, or three hours after a finding that is older. [ms] */
export function chooseWindow(occurred: number, now: number): { from: number; to: number } {
  const to = Math.min(now, occurred + SPAN_MS / 2);
  return { from: to - SPAN_MS, to };
}

export function SensorPlot({ site, finding, near }: { site: Site; finding: Finding; near: boolean }) {
  const [buckets, setBuckets] = useState<readonly Bucket[] | null>(null);
  const [window, setWindow] = useState(() => chooseWindow(Date.parse(finding.occurred_at), Date.now()));
  const sensorId = finding.sensor_id ?? "";
  useEffect(() => {
    if (!near) return;
    const stop = new AbortController();
    const read = async (): Promise<void> => {
      const next = chooseWindow(Date.parse(finding.occurred_at), Date.now());
      try {
        setBuckets(await site.readBuckets(sensorId, new Date(next.from), new Date(next.to), stop.signal));
        setWindow(next);
      } catch (error) {
        if (!isAbort(error)) setBuckets((before) => before ?? []);
      }
    };
    void read();
    const timer = setInterval(() => !document.hidden && void read(), AGAIN_MS);
    return () => (clearInterval(timer), stop.abort());
  }, [site, sensorId, finding.occurred_at, near]);

  if (buckets === null) return <span class="picture-wait is-busy">{t("load.busy")}</span>;
  const sensor = site.sensors.value.find((each) => each.id === sensorId);
  const limits = (sensor?.alarms ?? []).flatMap(({ level, above, below }) =>
    [above, below].flatMap((value) => (value === null ? [] : [{ level, value }])),
  );
  const frame = { width: WIDTH, height: HEIGHT, gap: chooseGap(buckets, LEAST_GAP_MS), ...window };
  const plot = makePlot(buckets, limits.map((each) => each.value), frame);
  if (plot === null) return <span class="picture-wait">{t("sensor.no_readings")}</span>;
  const zone = site.zoneOf(finding.project_id);
  const [from, to] = [window.from, window.to].map((each) => formatTime(new Date(each).toISOString(), zone, { date: false }));
  const unit = sensor?.unit ?? "";
  const [min, max] = [plot.low, plot.high].map((each) => formatWithin(each, plot.high - plot.low)) as [string, string];
  const occurred = plot.x(Date.parse(finding.occurred_at));
  return (
    <figure class="plot" role="img" aria-label={t("sensor.plot", { sensor: sensorId, from: from ?? "", to: to ?? "", min, max, unit })}>
      <div class="plot-scale" aria-hidden="true">
        <span class="code">{sensorId}</span>
        <span>
          {min}–{max} {unit}
        </span>
      </div>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {limits.map(({ level, value }) => (
          <line key={`${level} ${value}`} class={`plot-limit level-${level}`} x1="0" x2={WIDTH} y1={plot.y(value)} y2={plot.y(value)} />
        ))}
        {occurred >= 0 && occurred <= WIDTH && (
          <line class="plot-moment" x1={occurred} x2={occurred} y1="0" y2={HEIGHT} />
        )}
        <path class="plot-band" d={plot.band} />
        <path class="plot-line" d={plot.line} />
      </svg>
      <div class="plot-scale" aria-hidden="true">
        <span>{from}</span>
        <span>{to}</span>
      </div>
    </figure>
  );
}
