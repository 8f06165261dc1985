// Distances and sizes in words.

import { w } from "./words";

/** Whole metres below a kilometre. [m] */
export function formatDistance(distance_m: number): string {
  if (distance_m < 1000) return w("unit.metres", { count: Math.round(distance_m) });
  return w("unit.kilometres", { count: (distance_m / 1000).toFixed(1) });
}

export function formatSize(bytes: number): string {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
