// What a signed-in page knows of the site, and how it keeps up with it. Nothing is drawn here.

import { batch, computed, signal, type Signal } from "@preact/signals";

import { Client, isAbort, makePath, Problem } from "./client";
import { IssueBook } from "./issue-book";
import { Lane } from "./lane";
import { compareFindings, passes, readFilter, writeFilter, type Filter } from "./ordering";
import { walkPages } from "./paging";
import { Pictures } from "./pictures";
import {
  SEVERITIES,
  type Bucket,
  type Decision,
  type EventPage,
  type Finding,
  type Medium,
  type Milestone,
  type Project,
  type Reading,
  type Sensor,
  type Severity,
  type SiteEvent,
  type Whoami,
} from "./wire";

const PAGE = 500;
/** Of each severity, so that many light findings never hide a heavy one. */
export const FINDINGS_BOUND = 1000;
const PROJECTS_BOUND = 2000;
const MEDIA_BOUND = 500;
const SENSORS_SHOWN = 12;
const WAIT_S = 20;
const ASK_AGAIN_MS = 5_000;
const SENSORS_EVERY_MS = 10_000;
/** More new findings than this at once are read as a page and not one by one. */
const SINGLY = 10;

export class Site {
  readonly client: Client;
  readonly pictures: Pictures;
  readonly issues: IssueBook;
  readonly who = signal<Whoami | null>(null);
  readonly lost = signal(false);
  readonly loading = signal(true);
  readonly problem = signal<Problem | null>(null);
  readonly now = signal(Date.now());
  readonly filter = signal<Filter>(readFilter(location.search));
  readonly findings = signal<ReadonlyMap<string, Finding>>(new Map());
  /** Decided under the present filter, by whomever: they stay in the list, so that it does not move under the hand. */
  readonly decided = signal<ReadonlySet<string>>(new Set());
  /** Came after the page was opened. */
  readonly fresh = signal<ReadonlySet<string>>(new Set());
  readonly truncated = signal(false);
  readonly openTruncated = signal(false);
  readonly projects = signal<ReadonlyMap<string, Project>>(new Map());
  readonly milestones = signal<ReadonlyMap<string, ReadonlyMap<string, string>>>(new Map());
  readonly mediaStatus = signal<ReadonlyMap<string, ReadonlyMap<string, string>>>(new Map());
  readonly sensors = signal<readonly Sensor[]>([]);
  readonly latest = signal<ReadonlyMap<string, Reading | null>>(new Map());

  readonly shown = computed<readonly Finding[]>(() => {
    const filter = this.filter.value;
    const decided = this.decided.value;
    const anyStatus = { ...filter, status: "" } as const;
    return [...this.findings.value.values()]
      .filter((each) => passes(each, filter) || (decided.has(each.id) && passes(each, anyStatus)))
      .sort((a, b) => compareFindings(a, b, filter.order));
  });

  readonly openBySeverity = computed<ReadonlyMap<Severity, number>>(() => {
    const counts = new Map<Severity, number>(SEVERITIES.map((each) => [each, 0]));
    for (const each of this.findings.value.values()) {
      if (each.status === "open") counts.set(each.severity, (counts.get(each.severity) ?? 0) + 1);
    }
    return counts;
  });

  readonly openByProject = computed<ReadonlyMap<string, number>>(() => {
    const counts = new Map<string, number>();
    for (const each of this.findings.value.values()) {
      if (each.status === "open") counts.set(each.project_id, (counts.get(each.project_id) ?? 0) + 1);
    }
    return counts;
  });

  private readonly stop = new AbortController();
  private readonly lane = new Lane(4);
  private readonly media = new Map<string, Signal<Medium | Problem | null>>();
  private readonly askedMilestones = new Set<string>();
  private readonly askedMedia = new Set<string>();
  private readonly tails = new Map<Severity, string | null>();
  private sensorsAskedAt = 0;
  private load = 0;

  constructor(token: string, onUnknownToken: () => void) {
    this.client = new Client(token, onUnknownToken);
    this.pictures = new Pictures(this.client, this.lane);
    this.issues = new IssueBook(this.client, this.stop.signal);
  }

  /** Whether to offer a review; the service has the last word. */
  get mayReview(): boolean {
    return this.who.value?.role === "inspector";
  }

  /** Read everything once, then keep up until `close`. */
  start(): void {
    void this.run();
    const timer = setInterval(() => void this.tick(), ASK_AGAIN_MS);
    this.stop.signal.addEventListener("abort", () => clearInterval(timer));
  }

  close(): void {
    this.stop.abort();
    this.pictures.close();
  }

  async reload(): Promise<void> {
    this.loading.value = true;
    this.problem.value = null;
    try {
      this.who.value = await this.client.get<Whoami>("/v1/whoami", {}, this.stop.signal);
      await Promise.all([this.loadProjects(), this.loadSensors(), this.loadOpen()]);
      if (this.filter.value.status !== "open" || this.openTruncated.value) await this.loadFilter();
    } catch (error) {
      if (!isAbort(error)) this.problem.value = asProblem(error);
    } finally {
      this.loading.value = false;
    }
  }

  setFilter(change: Partial<Filter>): void {
    this.filter.value = { ...this.filter.value, ...change };
    this.decided.value = new Set();
    const query = writeFilter(this.filter.value);
    history.replaceState(null, "", location.pathname + (query === "" ? "" : `?${query}`));
    if (this.filter.value.status === "open" && !this.openTruncated.value) this.truncated.value = false;
    else void this.loadFilter().catch((error: unknown) => this.tellProblem(error));
  }

  /** With `raise`, an issue is raised from the confirmed finding in the same go. */
  async review(finding: Finding, decision: Decision, reason: string, { raise = false } = {}): Promise<void> {
    try {
      const body = { decision, reason, ...(raise ? { issue: {} } : {}) };
      const decided = await this.client.post<Finding>(makePath("findings", finding.id, "review"), body);
      this.keep([decided]);
    } catch (error) {
      // Somebody else was faster: show what they said.
      if (error instanceof Problem && error.status === 409) await this.readFinding(finding.id).catch(() => undefined);
      throw error;
    }
  }

  /** The medium of a card that is near the window; null while it is on its way. */
  readMedium(mediaId: string): Signal<Medium | Problem | null> {
    const known = this.media.get(mediaId);
    if (known) return known;
    const made = signal<Medium | Problem | null>(null);
    this.media.set(mediaId, made);
    void this.refreshMedium(mediaId);
    return made;
  }

  /** Ask for a finding that is not in the list, such as one that an issue ends. */
  askFinding(id: string): void {
    if (!this.findings.value.has(id)) void this.readFinding(id).catch(() => undefined);
  }

  /** The title of a milestone; its id until the title is there. */
  nameMilestone(projectId: string, milestoneId: string): string {
    if (!this.askedMilestones.has(projectId)) {
      this.askedMilestones.add(projectId);
      void this.loadMilestones(projectId).catch(() => this.askedMilestones.delete(projectId));
    }
    return this.milestones.value.get(projectId)?.get(milestoneId) ?? milestoneId;
  }

  zoneOf(projectId: string): string {
    return this.projects.value.get(projectId)?.time_zone ?? "Asia/Shanghai";
  }

  /** Count the media of a project whose row is shown. */
  countMedia(projectId: string): void {
    if (this.askedMedia.has(projectId)) return;
    this.askedMedia.add(projectId);
    void this.loadMediaStatus(projectId).catch(() => this.askedMedia.delete(projectId));
  }

  async readBuckets(sensorId: string, from: Date, to: Date, signal: AbortSignal): Promise<readonly Bucket[]> {
    const query = { from: from.toISOString(), to: to.toISOString(), every: "1m", limit: PAGE };
    return (await this.client.getPage<Bucket>(makePath("sensors", sensorId, "readings"), query, signal)).items;
  }

  /** The sensors beside the list: those of the filtered project, few enough to ask again and again. */
  listShownSensors(): readonly Sensor[] {
    const project = this.filter.value.project;
    return this.sensors.value.filter((each) => project === "" || each.project_id === project).slice(0, SENSORS_SHOWN);
  }

  private async run(): Promise<void> {
    // The cursor first: what happens while the list is read is then told afterwards, and nothing falls between.
    const cursor = this.findEnd();
    await this.reload();
    await this.follow(await cursor);
  }

  /** The cursor behind the last event; null where this role may not follow events. */
  private async findEnd(): Promise<string | null> {
    while (!this.stop.signal.aborted) {
      try {
        const page: EventPage = await this.client.get("/v1/events", { after: "latest" }, this.stop.signal);
        return page.next;
      } catch (error) {
        if (isAbort(error) || (error instanceof Problem && error.status >= 400 && error.status < 500)) return null;
        await this.pause(ASK_AGAIN_MS);
      }
    }
    return null;
  }

  private async follow(start: string | null): Promise<void> {
    let after = start;
    while (!this.stop.signal.aborted) {
      await this.untilVisible();
      const begun = Date.now();
      try {
        if (after === null) await this.askForNew(SEVERITIES);
        else {
          const page: EventPage = await this.client.get("/v1/events", { after, wait: WAIT_S }, this.stop.signal);
          after = page.next;
          await this.take(page.items);
        }
        this.lost.value = false;
      } catch (error) {
        if (isAbort(error)) return;
        this.lost.value = true;
        await this.pause(ASK_AGAIN_MS);
      }
      // A proxy that cuts the waiting short must not make this a storm of questions.
      if (after === null || Date.now() - begun < 500) await this.pause(after === null ? ASK_AGAIN_MS : 1_000);
    }
  }

  private async take(events: readonly SiteEvent[]): Promise<void> {
    const recorded = new Map<string, Severity>();
    const reviewed = new Set<string>();
    let projectsChanged = false;
    for (const { type, data } of events) {
      const id = String(data["finding_id"] ?? "");
      if (type === "siteproof.finding.recorded" && !this.findings.value.has(id)) {
        recorded.set(id, data["severity"] as Severity);
      } else if (type.startsWith("siteproof.finding.") && this.findings.value.get(id)?.status !== data["status"]) {
        reviewed.add(id);
      } else if (type.startsWith("siteproof.issue.")) {
        this.issues.take(String(data["issue_id"] ?? ""));
      } else if (type.startsWith("siteproof.media.")) {
        this.takeMediaEvent(data);
      } else if (type.startsWith("siteproof.project.")) {
        projectsChanged = true;
      }
    }
    if (projectsChanged) await this.loadProjects();
    if (recorded.size > SINGLY) await this.askForNew(new Set(recorded.values()));
    const singly = recorded.size > SINGLY ? reviewed : new Set([...recorded.keys(), ...reviewed]);
    await Promise.all([...singly].map((id) => this.readFinding(id)));
  }

  private takeMediaEvent(data: Record<string, unknown>): void {
    const [mediaId, projectId, status] = [data["media_id"], data["project_id"], data["status"]].map(String);
    if (mediaId === undefined || projectId === undefined || status === undefined) return;
    const ofProject = this.mediaStatus.value.get(projectId);
    if (ofProject && (ofProject.has(mediaId) || ofProject.size < MEDIA_BOUND)) {
      const next = new Map(ofProject).set(mediaId, status);
      this.mediaStatus.value = new Map(this.mediaStatus.value).set(projectId, next);
    }
    if (this.media.has(mediaId)) void this.refreshMedium(mediaId);
  }

  private async readFinding(id: string): Promise<void> {
    try {
      const finding = await this.client.get<Finding>(makePath("findings", id), {}, this.stop.signal);
      this.keep([finding]);
    } catch (error) {
      if (!(error instanceof Problem) || error.status !== 404) throw error;
    }
  }

  /** Read the ends of the open lists again. */
  private async askForNew(severities: Iterable<Severity>): Promise<void> {
    for (const severity of severities) await this.loadSeverity(severity);
  }

  private async loadOpen(): Promise<void> {
    const complete = await Promise.all(SEVERITIES.map((severity) => this.loadSeverity(severity)));
    this.openTruncated.value = complete.includes(false);
  }

  private async loadSeverity(severity: Severity): Promise<boolean> {
    const query = { status: "open", severity, limit: PAGE };
    const walk = await walkPages<Finding>(
      (after) => this.client.getPage("/v1/findings", { ...query, after }, this.stop.signal),
      { bound: FINDINGS_BOUND, from: this.tails.get(severity) ?? null },
    );
    this.tails.set(severity, walk.tail);
    this.keep(walk.items);
    return walk.complete;
  }

  private async loadFilter(): Promise<void> {
    const load = ++this.load;
    const { project, kind, severity, status } = this.filter.value;
    const query = { project_id: project, kind, status, limit: PAGE };
    const severities = severity === "" ? SEVERITIES : [severity];
    const walks = await Promise.all(
      severities.map((each) =>
        walkPages<Finding>(
          (after) => this.client.getPage("/v1/findings", { ...query, severity: each, after }, this.stop.signal),
          { bound: FINDINGS_BOUND },
        ),
      ),
    );
    this.keep(walks.flatMap((walk) => walk.items));
    if (load === this.load) this.truncated.value = walks.some((walk) => !walk.complete);
  }

  private async loadProjects(): Promise<void> {
    const { items } = await this.walkAll<Project>("/v1/projects", PROJECTS_BOUND);
    this.projects.value = new Map(items.map((each) => [each.id, each]));
  }

  private async loadSensors(): Promise<void> {
    try {
      this.sensors.value = (await this.walkAll<Sensor>("/v1/sensors", PROJECTS_BOUND)).items;
      await this.refreshSensors();
    } catch (error) {
      // A field token sees no sensors, and its page is none the worse for it.
      if (!(error instanceof Problem) || error.status !== 403) throw error;
    }
  }

  private async loadMilestones(projectId: string): Promise<void> {
    const { items } = await this.walkAll<Milestone>(makePath("projects", projectId, "milestones"), PROJECTS_BOUND);
    const titles = new Map(items.map((each) => [each.id, each.title]));
    this.milestones.value = new Map(this.milestones.value).set(projectId, titles);
  }

  private async loadMediaStatus(projectId: string): Promise<void> {
    const { items } = await this.walkAll<Medium>(makePath("projects", projectId, "media"), MEDIA_BOUND);
    const statuses = new Map(items.map((each) => [each.id, each.status]));
    this.mediaStatus.value = new Map(this.mediaStatus.value).set(projectId, statuses);
  }

  private walkAll<T>(path: string, bound: number): ReturnType<typeof walkPages<T>> {
    return walkPages<T>((after) => this.client.getPage(path, { after, limit: PAGE }, this.stop.signal), { bound });
  }

  private async refreshMedium(mediaId: string): Promise<void> {
    const place = this.media.get(mediaId);
    if (!place) return;
    try {
      const read = (): Promise<Medium> => this.client.get(makePath("media", mediaId), {}, this.stop.signal);
      place.value = await this.lane.run(read, this.stop.signal);
    } catch (error) {
      if (isAbort(error)) return;
      if (place.value === null) place.value = asProblem(error);
    }
  }

  private async refreshSensors(): Promise<void> {
    this.sensorsAskedAt = Date.now();
    const read = async ({ id }: Sensor): Promise<readonly [string, Reading | null]> => {
      try {
        return [id, await this.client.get<Reading>(makePath("sensors", id, "latest"), {}, this.stop.signal)];
      } catch (error) {
        if (error instanceof Problem && error.status === 404) return [id, null];
        throw error;
      }
    };
    const readings = await Promise.all(this.listShownSensors().map(read));
    this.latest.value = new Map([...this.latest.value, ...readings]);
  }

  private async tick(): Promise<void> {
    if (document.hidden) return;
    this.now.value = Date.now();
    try {
      if (Date.now() - this.sensorsAskedAt >= SENSORS_EVERY_MS) await this.refreshSensors();
      for (const [id, { value }] of this.media) {
        const isWaiting = value instanceof Problem ? value.status === 0 : isPending(value?.status);
        if (isWaiting) await this.refreshMedium(id);
      }
    } catch (error) {
      // The event loop tells when the connection is lost; the next tick asks again.
      if (!(error instanceof Problem) && !isAbort(error)) throw error;
    }
  }

  private keep(findings: readonly Finding[]): void {
    if (findings.length === 0) return;
    const all = new Map(this.findings.value);
    const fresh = new Set(this.fresh.value);
    const decided = new Set(this.decided.value);
    for (const each of findings) {
      const before = all.get(each.id);
      if (before && before.status !== each.status) decided.add(each.id);
      if (!this.loading.value && !before && isRecent(each, this.now.value)) fresh.add(each.id);
      all.set(each.id, each);
    }
    batch(() => {
      this.fresh.value = fresh;
      this.decided.value = decided;
      this.findings.value = all;
    });
  }

  private tellProblem(error: unknown): void {
    if (!isAbort(error)) this.problem.value = asProblem(error);
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.stop.signal.addEventListener("abort", () => (clearTimeout(timer), resolve()), { once: true });
    });
  }

  /** A tab that nobody sees asks nothing. */
  private async untilVisible(): Promise<void> {
    while (document.hidden && !this.stop.signal.aborted) {
      await new Promise<void>((resolve) => {
        document.addEventListener("visibilitychange", () => resolve(), { once: true });
        this.stop.signal.addEventListener("abort", () => resolve(), { once: true });
      });
    }
  }
}

export function isPending(status: string | undefined): boolean {
  return status === "received" || status === "analysing";
}

function isRecent(finding: Finding, now: number): boolean {
  return now - Date.parse(finding.recorded_at) < 10 * 60_000;
}

function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, "page.error", String(error));
}

