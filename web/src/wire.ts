// The shapes that come over the wire, as openapi.json tells them; only what the pages read.

export const SEVERITIES = ["critical", "major", "minor", "info"] as const;
export const KINDS = ["safety", "conformance", "evidence", "sensor", "quality"] as const;
export const STATUSES = ["open", "confirmed", "dismissed", "resolved"] as const;
export const ISSUE_STATUSES = ["open", "assigned", "rectified", "failed", "closed", "reopened"] as const;

export type Severity = (typeof SEVERITIES)[number];
export type Kind = (typeof KINDS)[number];
export type Status = (typeof STATUSES)[number];
export type IssueStatus = (typeof ISSUE_STATUSES)[number];
export type Decision = "confirmed" | "dismissed";
export type Box = readonly [number, number, number, number];

/** One text in several languages. */
export type Texts = Record<string, string>;

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

export interface Finding {
  readonly id: string;
  readonly project_id: string;
  readonly milestone_id: string | null;
  readonly kind: Kind;
  readonly code: string;
  readonly severity: Severity;
  readonly status: Status;
  readonly title: Texts;
  readonly occurred_at: string;
  readonly recorded_at: string;
  readonly media_id: string | null;
  readonly sensor_id: string | null;
  /** In the original's upright pixels. */
  readonly box_xyxy_px: Box | null;
  readonly chainage_m: readonly [number, number] | null;
  readonly details: Record<string, unknown>;
  readonly issue_id: string | null;
  readonly reviewed_at: string | null;
  readonly reviewed_by: string | null;
  readonly review_reason: string | null;
}

export interface Check {
  readonly check: string;
  readonly verdict: "pass" | "warn" | "fail" | "unknown";
  readonly code: string;
  readonly detail: Texts;
}

export interface Medium {
  readonly id: string;
  readonly project_id: string;
  readonly camera_id: string | null;
  readonly format: string;
  readonly status: "received" | "analysing" | "analysed" | "failed";
  readonly width_px: number | null;
  readonly height_px: number | null;
  readonly checks: readonly Check[];
  readonly evidence: { readonly grade: string };
}

export interface Project {
  readonly id: string;
  readonly name: string;
  readonly time_zone: string;
}

export interface Milestone {
  readonly id: string;
  readonly title: string;
}

export interface Alarm {
  readonly level: string;
  readonly above: number | null;
  readonly below: number | null;
}

export interface Sensor {
  readonly id: string;
  readonly project_id: string;
  readonly kind: string;
  readonly unit: string;
  readonly alarms: readonly Alarm[];
  readonly stale_after_s: number | null;
}

export interface Reading {
  readonly t: string;
  readonly v: number;
  readonly q: string;
}

export interface Bucket {
  readonly t: string;
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly n: number;
}

export interface SiteEvent {
  readonly type: string;
  readonly data: Record<string, unknown>;
}

export interface EventPage {
  readonly items: readonly SiteEvent[];
  readonly next: string;
}

export interface Whoami {
  readonly role: string;
  readonly area: string;
  readonly project_id: string | null;
  readonly person: string | null;
  readonly name: string | null;
}

export interface Issue {
  readonly id: string;
  readonly project_id: string;
  readonly milestone_id: string | null;
  readonly title: string;
  readonly severity: Severity;
  readonly status: IssueStatus;
  readonly assigned_to: string | null;
  readonly due_date: string;
  readonly due_at: string;
  readonly overdue: boolean;
  readonly creation_date: string;
  readonly finding_ids: readonly string[];
}

export interface AfterPhoto {
  readonly media_id: string;
  readonly unknown: readonly string[];
}

export interface Transition {
  readonly from: IssueStatus | null;
  readonly to: IssueStatus;
  readonly at: string;
  readonly by: string;
  readonly role: string;
  readonly note: string | null;
  readonly media_ids: readonly string[];
  readonly after_photos: readonly AfterPhoto[];
}

export interface IssueDetail extends Issue {
  readonly history: readonly Transition[];
  /** What this token's person may do with it next; the service has the last word. */
  readonly steps: readonly IssueStatus[];
}

/** What is sent with a step. */
export interface Step {
  readonly to: IssueStatus;
  readonly note?: string;
  readonly assigned_to?: string;
  readonly due_date?: string;
}
