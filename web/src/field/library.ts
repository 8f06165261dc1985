// The projects that this token sees, read while there is a network and kept for when there is none.

import { Client, makePath, Problem } from "../client";
import { walkPages } from "../paging";
import type { Check, Page } from "../wire";
import type { FieldMilestone, FieldProject, SentPhoto, Zone } from "./shape";

const MAX_PROJECTS = 100;
const MAX_PHOTOS = 2_000;
const PAGE = 100;

interface ListedMedium {
  readonly client_id: string | null;
  readonly milestone_id: string | null;
  readonly status: string;
  readonly position: { readonly lon: number; readonly lat: number } | null;
  readonly checks: readonly Check[];
  readonly evidence: { readonly grade: string };
}

export async function readProjects(client: Client): Promise<FieldProject[]> {
  const listed = await readAll<{ id: string; name: string }>(client, makePath("projects"), MAX_PROJECTS);
  const projects: FieldProject[] = [];
  for (const { id, name } of listed) projects.push(await readProject(client, id, name));
  return projects;
}

async function readProject(client: Client, id: string, name: string): Promise<FieldProject> {
  const [boundary, alignment, milestones, media] = await Promise.all([
    readZone(client, id, "boundary"),
    readZone(client, id, "alignment"),
    readAll<FieldMilestone>(client, makePath("projects", id, "milestones"), MAX_PROJECTS),
    readAll<ListedMedium>(client, makePath("projects", id, "media"), MAX_PHOTOS),
  ]);
  const kept = milestones.map(({ id: milestoneId, title, requires }) => ({ id: milestoneId, title, requires }));
  return { id, name, boundary, alignment, milestones: kept, sent: media.map(summarise) };
}

async function readAll<T>(client: Client, path: string, bound: number): Promise<T[]> {
  const walk = await walkPages<T>((after): Promise<Page<T>> => client.getPage(path, { after, limit: PAGE }), { bound });
  return walk.items;
}

async function readZone(client: Client, id: string, role: string): Promise<Zone | null> {
  try {
    const { geometry, properties } = await client.get<Zone>(makePath("projects", id, role));
    return { geometry, properties };
  } catch (error) {
    if (error instanceof Problem && error.status === 404) return null;
    throw error;
  }
}

/** Counts as the service's gate counts, or may still: what waits for its analysis is not missing. */
function summarise(medium: ListedMedium): SentPhoto {
  const misplaced = medium.checks.some((each) => each.check === "location" && each.verdict === "fail");
  return {
    clientId: medium.client_id,
    milestoneId: medium.milestone_id,
    counts: medium.status !== "failed" && medium.evidence.grade !== "D" && !misplaced,
    lon: medium.position?.lon ?? null,
    lat: medium.position?.lat ?? null,
  };
}
