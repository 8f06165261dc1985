// What is still to be photographed of a milestone, as far as this phone can know: from its own photos, sent and unsent.

import { lengthOf, startOf, stationOf } from "./ground";
import type { FieldMilestone, FieldProject, Shot } from "./shape";

export interface Plan {
  /** Photos that count so far, of how many; null where no number is asked for. */
  readonly photos: { readonly have: number; readonly min: number } | null;
  /** Stretches `[from, to]` along the alignment that have no photo yet. [m] */
  readonly gaps: readonly (readonly [number, number])[];
  readonly elements: NonNullable<FieldMilestone["requires"]["elements"]>;
}

interface Counted {
  readonly lon: number | null;
  readonly lat: number | null;
}

export function makePlan(project: FieldProject, milestone: FieldMilestone, shots: readonly Shot[]): Plan {
  const { photos, elements } = milestone.requires;
  const counted = listCounted(project, milestone, shots);
  const min = photos?.min ?? 0;
  return {
    photos: min > 0 ? { have: counted.length, min } : null,
    gaps: photos?.every_m ? findGaps(project, photos.every_m, counted) : [],
    elements: elements ?? [],
  };
}

export function isDone(plan: Plan): boolean {
  return plan.gaps.length === 0 && (plan.photos === null || plan.photos.have >= plan.photos.min);
}

/** A shot that the service knows is counted as the service judged it, not twice. */
function listCounted(project: FieldProject, milestone: FieldMilestone, shots: readonly Shot[]): Counted[] {
  const sent = project.sent.filter((photo) => photo.milestoneId === milestone.id);
  const known = new Set(project.sent.map((photo) => photo.clientId));
  const here = shots.filter(
    (shot) =>
      shot.projectId === project.id && shot.milestoneId === milestone.id && !known.has(shot.id) && countsHere(shot),
  );
  return [...sent.filter((photo) => photo.counts), ...here];
}

function countsHere(shot: Shot): boolean {
  return shot.state !== "refused" && !isMisplaced(shot);
}

function isMisplaced(shot: Shot): boolean {
  return shot.grade === "D" || shot.checks.some((each) => each.check === "location" && each.verdict === "fail");
}

/** Stations are `[k n, (k+1) n)` from the start chainage; neighbours without a photo make one gap. */
function findGaps(project: FieldProject, every_m: number, counted: readonly Counted[]): [number, number][] {
  const { alignment } = project;
  if (alignment === null) return [];
  const [start_m, length_m] = [startOf(alignment), lengthOf(alignment)];
  const covered = new Set<number>();
  for (const { lon, lat } of counted) {
    const station = lon === null || lat === null ? null : stationOf({ lon, lat }, alignment);
    if (station !== null) covered.add(Math.floor((station.chainage_m - start_m) / every_m));
  }
  const gaps: [number, number][] = [];
  for (let k = 0; k * every_m < length_m; k += 1) {
    if (covered.has(k)) continue;
    const [from, to] = [start_m + k * every_m, start_m + Math.min(length_m, (k + 1) * every_m)];
    const last = gaps[gaps.length - 1];
    if (last !== undefined && last[1] === from) last[1] = to;
    else gaps.push([from, to]);
  }
  return gaps;
}
