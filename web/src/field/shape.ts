// What the phone keeps: the shots, and what it knows of the projects.

import type { Check } from "../wire";

export interface Fix {
  readonly lon: number;
  readonly lat: number;
  /** The radius that the browser gives. [m] */
  readonly accuracy_m: number;
  readonly altitude_m: number | null;
  /** Epoch. [ms] */
  readonly at_ms: number;
}

/** `waiting` has its bytes here; `accepted` is on the server; `refused` has its bytes here until a person decides. */
export type ShotState = "waiting" | "accepted" | "refused";

export interface Shot {
  /** The shot's UUID, the `client_id` of every attempt. */
  readonly id: string;
  readonly projectId: string;
  readonly milestoneId: string | null;
  /** Epoch; by it they are sent. [ms] */
  readonly takenAt: number;
  readonly fileName: string;
  readonly type: string;
  readonly size: number;
  /** Hexadecimal; null where the browser cannot hash. */
  readonly sha256: string | null;
  /** The JSON that goes along, the same on every attempt. */
  readonly capture: string;
  readonly lon: number | null;
  readonly lat: number | null;
  readonly thumbnail: Blob | null;
  readonly state: ShotState;
  /** Where a begun upload goes on. */
  readonly uploadUrl: string | null;
  readonly attempts: number;
  /** Why it was refused, or could not be sent: a code of the service's. */
  readonly problem: string | null;
  readonly mediaId: string | null;
  readonly status: string | null;
  readonly grade: string | null;
  readonly checks: readonly Check[];
}

export type Ring = readonly (readonly [number, number])[];

export interface Zone {
  readonly geometry: { readonly type: string; readonly coordinates: unknown };
  readonly properties: { readonly start_chainage_m?: number };
}

export interface Requires {
  readonly photos?: { readonly min?: number; readonly every_m?: number };
  readonly elements?: readonly { readonly label: string; readonly min?: number; readonly absent?: boolean }[];
}

export interface FieldMilestone {
  readonly id: string;
  readonly title: string;
  readonly requires: Requires;
}

/** Of the photos that this token sent before, from this phone or another. */
export interface SentPhoto {
  readonly clientId: string | null;
  readonly milestoneId: string | null;
  readonly counts: boolean;
  readonly lon: number | null;
  readonly lat: number | null;
}

export interface FieldProject {
  readonly id: string;
  readonly name: string;
  readonly boundary: Zone | null;
  readonly alignment: Zone | null;
  readonly milestones: readonly FieldMilestone[];
  readonly sent: readonly SentPhoto[];
}
