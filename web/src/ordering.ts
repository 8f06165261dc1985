// Which findings are shown, and in which order.

import { KINDS, SEVERITIES, STATUSES, type Finding, type Kind, type Severity, type Status } from "./wire";

export type Order = "severity" | "newest";

/** An empty text lets everything through. */
export interface Filter {
  readonly project: string;
  readonly kind: Kind | "";
  readonly severity: Severity | "";
  readonly status: Status | "";
  readonly order: Order;
}

export const START_FILTER: Filter = { project: "", kind: "", severity: "", status: "open", order: "severity" };

export function passes(finding: Finding, filter: Filter): boolean {
  return (
    (filter.project === "" || finding.project_id === filter.project) &&
    (filter.kind === "" || finding.kind === filter.kind) &&
    (filter.severity === "" || finding.severity === filter.severity) &&
    (filter.status === "" || finding.status === filter.status)
  );
}

/** Severest first or newest first; the id settles the rest, so that two walks never differ. */
export function compareFindings(a: Finding, b: Finding, order: Order): number {
  const bySeverity = SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
  const byTime = Date.parse(b.occurred_at) - Date.parse(a.occurred_at);
  return (order === "severity" ? bySeverity || byTime : byTime || bySeverity) || (a.id < b.id ? -1 : 1);
}

/** The filter in the page's address, without what is as at the start. */
export function writeFilter(filter: Filter): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) {
    if (value !== START_FILTER[name as keyof Filter]) query.set(name, value === "" ? "all" : value);
  }
  return query.toString();
}

/** The filter of an address; what it does not say, or says wrongly, is as at the start. */
export function readFilter(search: string): Filter {
  const query = new URLSearchParams(search);
  const choose = <T extends string>(name: string, allowed: readonly T[], start: T | ""): T | "" => {
    const value = query.get(name);
    return value === "all" ? "" : (allowed.find((each) => each === value) ?? start);
  };
  return {
    project: query.get("project")?.slice(0, 64) ?? "",
    kind: choose("kind", KINDS, ""),
    severity: choose("severity", SEVERITIES, ""),
    status: choose("status", STATUSES, "open"),
    order: query.get("order") === "newest" ? "newest" : "severity",
  };
}
