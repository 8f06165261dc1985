// What the pages know of quality issues, and the steps that are made with them. Nothing is drawn here.

import { signal } from "@preact/signals";

import { isAbort, makePath, Problem, type Client } from "./client";
import { walkPages } from "./paging";
import { ISSUE_STATUSES, type Issue, type IssueDetail, type IssueStatus, type Step } from "./wire";

export const ISSUES_BOUND = 1000;
const PAGE = 500;

/** What is listed: every issue that is not closed, those that are overdue, or those of one status. */
export type IssueFilter = "waiting" | "overdue" | IssueStatus;

/** The most pressing first: what is overdue, then by due time; the id settles the rest. */
export function compareIssues(a: Issue, b: Issue): number {
  const byLateness = Number(b.overdue) - Number(a.overdue);
  return byLateness || Date.parse(a.due_at) - Date.parse(b.due_at) || (a.id < b.id ? -1 : 1);
}

/** The queries that together list what a filter lets through. */
export function listQueries(filter: IssueFilter): readonly Record<string, string | boolean>[] {
  if (filter === "overdue") return [{ overdue: true }];
  const statuses = filter === "waiting" ? ISSUE_STATUSES.filter((each) => each !== "closed") : [filter];
  return statuses.map((status) => ({ status }));
}

export class IssueBook {
  readonly filter = signal<IssueFilter>("waiting");
  readonly project = signal("");
  readonly listed = signal<readonly Issue[]>([]);
  readonly details = signal<ReadonlyMap<string, IssueDetail>>(new Map());
  readonly truncated = signal(false);
  readonly loading = signal(true);
  readonly problem = signal<Problem | null>(null);
  private readonly tags = new Map<string, string | null>();
  private load = 0;

  constructor(
    private readonly client: Client,
    private readonly stop: AbortSignal,
  ) {}

  async reload(): Promise<void> {
    const load = ++this.load;
    this.loading.value = true;
    const read = (query: Record<string, string | boolean>) =>
      walkPages<Issue>((after) => this.client.getPage("/v1/issues", { ...query, after, limit: PAGE }, this.stop), {
        bound: ISSUES_BOUND,
      });
    try {
      const queries = listQueries(this.filter.value).map((each) => ({ ...each, project_id: this.project.value }));
      const walks = await Promise.all(queries.map(read));
      if (load !== this.load) return;
      this.listed.value = walks.flatMap((walk) => walk.items).sort(compareIssues);
      this.truncated.value = walks.some((walk) => !walk.complete);
      this.problem.value = null;
    } catch (error) {
      if (load === this.load && !isAbort(error)) this.problem.value = asProblem(error);
    } finally {
      if (load === this.load) this.loading.value = false;
    }
  }

  async readDetail(id: string): Promise<void> {
    const { value, tag } = await this.client.getTagged<IssueDetail>(makePath("issues", id), this.stop);
    this.keep(value, tag);
  }

  /** An event told of it: read again what is shown of it. */
  take(id: string): void {
    if (this.details.value.has(id)) void this.readDetail(id).catch(() => undefined);
    else if (!this.loading.value) void this.reload();
  }

  /** Make a step with what was read; refused (412) where somebody made one in between, and then read again. */
  async makeStep(id: string, step: Step): Promise<void> {
    try {
      await this.client.post<IssueDetail>(makePath("issues", id, "transitions"), step, this.tags.get(id) ?? null);
    } finally {
      await this.readDetail(id);
    }
  }

  private keep(detail: IssueDetail, tag: string | null): void {
    this.tags.set(detail.id, tag);
    this.details.value = new Map(this.details.value).set(detail.id, detail);
    // It stays where it is in the list, even where the filter would no longer let it through: nothing moves under the hand.
    const isListed = this.listed.value.some((each) => each.id === detail.id);
    this.listed.value = isListed
      ? this.listed.value.map((each) => (each.id === detail.id ? detail : each))
      : [detail, ...this.listed.value];
  }
}

function asProblem(error: unknown): Problem {
  return error instanceof Problem ? error : new Problem(0, "page.error", String(error));
}
