// Where a fix lies: against the boundary and along the alignment, on the phone, as the service will judge it later.

import type { Fix, Ring, Zone } from "./shape";

// WGS 84 (NIMA TR8350.2).
const AXIS_M = 6_378_137;
const SQUARED_ECCENTRICITY = 0.00669437999014;
/** Where the browser gives no accuracy; the service's own figure. [m] */
const ASSUMED_ACCURACY_M = 10;

export type Side = "inside" | "outside" | "cannot_tell";

export interface Placing {
  readonly side: Side;
  /** From the boundary, negative inside. [m] */
  readonly distance_m: number;
}

export interface Station {
  readonly chainage_m: number;
  /** From the line. [m] */
  readonly offset_m: number;
}

interface Point {
  readonly lon: number;
  readonly lat: number;
}

/** Inside when the accuracy circle is, outside when twice the radius is not, else it cannot be told (decision 0005). */
export function placeFix(fix: Pick<Fix, "lon" | "lat" | "accuracy_m">, boundary: Zone): Placing {
  const rings = listRings(boundary);
  const nearest_m = Math.min(...rings.map((ring) => measureNearest(fix, ring).offset_m));
  const isInside = rings.reduce((inside, ring) => inside !== crosses(fix, ring), false);
  const distance_m = isInside ? -nearest_m : nearest_m;
  const accuracy_m = fix.accuracy_m > 0 ? fix.accuracy_m : ASSUMED_ACCURACY_M;
  if (distance_m <= -accuracy_m) return { side: "inside", distance_m };
  return { side: distance_m > 2 * accuracy_m ? "outside" : "cannot_tell", distance_m };
}

/** The foot on the alignment; null where it has no line. */
export function stationOf(point: Point, alignment: Zone): Station | null {
  const [line] = listLines(alignment);
  if (line === undefined || line.length < 2) return null;
  const { along_m, offset_m } = measureNearest(point, line);
  return { chainage_m: startOf(alignment) + along_m, offset_m };
}

export function startOf(alignment: Zone): number {
  return alignment.properties.start_chainage_m ?? 0;
}

/** [m] */
export function lengthOf(alignment: Zone): number {
  const [line] = listLines(alignment);
  return line === undefined ? 0 : line.slice(1).reduce((sum, end, i) => sum + measureEdge(line[i] ?? end, end), 0);
}

function listRings(zone: Zone): Ring[] {
  const { type, coordinates } = zone.geometry;
  if (type === "Polygon") return coordinates as Ring[];
  return type === "MultiPolygon" ? (coordinates as Ring[][]).flat() : [];
}

function listLines(zone: Zone): Ring[] {
  return zone.geometry.type === "LineString" ? [zone.geometry.coordinates as Ring] : [];
}

/** Metres for a degree of longitude and of latitude. */
function scaleAt(lat: number): { readonly x: number; readonly y: number } {
  const phi = (lat * Math.PI) / 180;
  const w = 1 - SQUARED_ECCENTRICITY * Math.sin(phi) ** 2;
  const prime = AXIS_M / Math.sqrt(w);
  const meridian = (prime * (1 - SQUARED_ECCENTRICITY)) / w;
  return { x: (prime * Math.cos(phi) * Math.PI) / 180, y: (meridian * Math.PI) / 180 };
}

function measureEdge(a: readonly [number, number], b: readonly [number, number]): number {
  const scale = scaleAt((a[1] + b[1]) / 2);
  return Math.hypot((b[0] - a[0]) * scale.x, (b[1] - a[1]) * scale.y);
}

/** The nearest place of a line: how far along, how far off. A plane at the point, exact where it is near. [m] */
function measureNearest(point: Point, line: Ring): { along_m: number; offset_m: number } {
  const scale = scaleAt(point.lat);
  let best = { along_m: 0, offset_m: Infinity };
  let before_m = 0;
  for (let i = 1; i < line.length; i += 1) {
    const [a, b] = [line[i - 1], line[i]];
    if (a === undefined || b === undefined) continue;
    const [ax, ay] = [(a[0] - point.lon) * scale.x, (a[1] - point.lat) * scale.y];
    const [dx, dy] = [(b[0] - a[0]) * scale.x, (b[1] - a[1]) * scale.y];
    const squared = dx * dx + dy * dy;
    const share = squared === 0 ? 0 : Math.min(1, Math.max(0, -(ax * dx + ay * dy) / squared));
    const offset_m = Math.hypot(ax + share * dx, ay + share * dy);
    const edge_m = measureEdge(a, b);
    if (offset_m < best.offset_m) best = { along_m: before_m + share * edge_m, offset_m };
    before_m += edge_m;
  }
  return best;
}

/** Whether a ray to the east crosses the ring an odd number of times. */
function crosses(point: Point, ring: Ring): boolean {
  let odd = false;
  for (let i = 1; i < ring.length; i += 1) {
    const [a, b] = [ring[i - 1], ring[i]];
    if (a === undefined || b === undefined || a[1] > point.lat === b[1] > point.lat) continue;
    if (point.lon < a[0] + ((point.lat - a[1]) / (b[1] - a[1])) * (b[0] - a[0])) odd = !odd;
  }
  return odd;
}
