// Numbers, times and chainages as an inspector reads them.

import { formatMessage } from "./language";
import type { Language } from "./messages";

const FORMATTERS = new Map<string, Intl.DateTimeFormat>();

/** `2026-11-22 11:46` in the zone, the same in both languages; a zone that the browser does not know is read as UTC. */
export function formatTime(iso: string, zone: string, { seconds = false, date = true } = {}): string {
  const moment = new Date(iso);
  if (Number.isNaN(moment.getTime())) return iso;
  const part = new Map(formatter(zone).formatToParts(moment).map(({ type, value }) => [type, value]));
  const day = `${part.get("year")}-${part.get("month")}-${part.get("day")}`;
  const clock = `${part.get("hour")}:${part.get("minute")}${seconds ? `:${part.get("second")}` : ""}`;
  return date ? `${day} ${clock}` : clock;
}

function formatter(zone: string): Intl.DateTimeFormat {
  const known = FORMATTERS.get(zone);
  if (known) return known;
  let made: Intl.DateTimeFormat;
  try {
    made = makeFormatter(zone);
  } catch {
    made = makeFormatter("UTC");
  }
  FORMATTERS.set(zone, made);
  return made;
}

function makeFormatter(zone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-GB", {
    timeZone: zone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
  });
}

/** How long ago, in the coarsest unit that fits; a moment ahead of this clock is just now. */
export function formatAgo(iso: string, now: number, language: Language): string {
  const minutes = Math.floor((now - new Date(iso).getTime()) / 60_000);
  if (Number.isNaN(minutes)) return "";
  if (minutes < 1) return formatMessage(language, "ago.now");
  if (minutes < 60) return formatMessage(language, "ago.minutes", { count: minutes });
  if (minutes < 48 * 60) return formatMessage(language, "ago.hours", { count: Math.floor(minutes / 60) });
  return formatMessage(language, "ago.days", { count: Math.floor(minutes / (24 * 60)) });
}

/** At most four significant digits and never an exponent for what a gauge shows. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-4)) return value.toPrecision(3);
  return String(Number(size >= 1000 ? value.toFixed(0) : value.toPrecision(4)));
}

/** A value of a plot, no finer than a thousandth of what the plot spans shows. */
export function formatWithin(value: number, span: number): string {
  if (!(span > 0)) return formatNumber(value);
  return String(Number(value.toFixed(Math.min(20, Math.max(0, 3 - Math.floor(Math.log10(span)))))));
}

/** A place along the alignment as it is written on site: `K1+234.5`. [m] */
export function formatChainage(chainage_m: number): string {
  const tenths = Math.round(Math.abs(chainage_m) * 10);
  const metres = (tenths % 10_000) / 10;
  const [whole = "0", tenth] = String(metres).split(".");
  const rest = tenth === undefined ? "" : `.${tenth}`;
  return `${chainage_m < 0 && tenths > 0 ? "-" : ""}K${Math.floor(tenths / 10_000)}+${whole.padStart(3, "0")}${rest}`;
}

export function formatPercent(share: number): string {
  return `${Math.round(share * 100)} %`;
}
