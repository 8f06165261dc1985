// The page of quality issues: what is to be mended, by when, what happened, and the steps of who re-inspects.

import { useEffect, useRef, useState } from "preact/hooks";

import { Problem } from "./client";
import { Select, type Choice } from "./filters";
import { formatTime } from "./format";
import { ISSUES_BOUND, type IssueFilter } from "./issue-book";
import { chooseText, language, t, tValue } from "./language";
import { Picture, useMedium } from "./picture";
import { addressOfIssue } from "./place";
import type { Site } from "./site";
import { ISSUE_STATUSES, type Box, type Issue, type IssueDetail, type IssueStatus, type Transition } from "./wire";

const NOTE_LENGTH = 2000;

export function Issues({ site, chosen }: { site: Site; chosen: string | null }) {
  const { listed, loading, problem, truncated, filter, project } = site.issues;
  useEffect(() => {
    const read = async (): Promise<void> => {
      await site.issues.reload();
      if (chosen !== null) await site.issues.readDetail(chosen).catch(() => undefined);
    };
    void read();
  }, [site, chosen, filter.value, project.value]);
  return (
    <main class="issues" id="issues" aria-labelledby="issues-title">
      <IssueFilters site={site} />
      <div class="list-head">
        <h2 id="issues-title">
          {t("issue.title")} <span class="muted">{t("issue.count", { count: listed.value.length })}</span>
        </h2>
      </div>
      {truncated.value && <p class="note">{t("issue.truncated", { count: ISSUES_BOUND })}</p>}
      {problem.value && (
        <p class="refusal" role="alert">
          <b>{t("load.failed")}</b> {problem.value.detail}
        </p>
      )}
      {listed.value.length === 0 && !problem.value && (
        <p class="empty">{t(loading.value ? "load.busy" : "issue.empty")}</p>
      )}
      <ul class="issue-list">
        {listed.value.map((issue) => (
          <IssueRow key={issue.id} site={site} issue={issue} isChosen={issue.id === chosen} />
        ))}
      </ul>
    </main>
  );
}

function IssueFilters({ site }: { site: Site }) {
  const { filter, project } = site.issues;
  const projects = [...site.projects.value.values()].map<Choice>(({ id, name }) => [id, name]);
  return (
    <form class="filters" aria-label={t("filter.title")} onSubmit={(event) => event.preventDefault()}>
      <Select
        label={t("filter.project")}
        value={project.value}
        choices={[["", t("filter.any")], ...projects]}
        onChoose={(value) => (project.value = value)}
      />
      <Select
        label={t("filter.status")}
        value={filter.value}
        choices={[
          ["waiting", t("issue.filter.waiting")],
          ["overdue", t("issue.filter.overdue")],
          ...ISSUE_STATUSES.map<Choice>((each) => [each, t(`issue.status.${each}`)]),
        ]}
        onChoose={(value) => (filter.value = value as IssueFilter)}
      />
    </form>
  );
}

interface IssueProps {
  readonly site: Site;
  readonly issue: Issue;
}

function IssueRow({ site, issue, isChosen }: IssueProps & { readonly isChosen: boolean }) {
  const zone = site.zoneOf(issue.project_id);
  const frame = useRef<HTMLLIElement>(null);
  const detail = isChosen ? site.issues.details.value.get(issue.id) : undefined;
  useEffect(() => {
    if (isChosen) frame.current?.scrollIntoView({ block: "nearest" });
  }, [isChosen, detail !== undefined]);
  return (
    <li ref={frame} class={`issue severity-${issue.severity}`}>
      <p class="badges">
        <span class={`badge severity-${issue.severity}`}>{tValue("severity", issue.severity)}</span>
        <span class="badge is-plain">{tValue("issue.status", issue.status)}</span>
        {issue.overdue && <span class="badge severity-critical">{t("issue.overdue")}</span>}
      </p>
      <h3 class="title">{issue.title}</h3>
      <p class="facts">
        <span class="fact-project">{site.projects.value.get(issue.project_id)?.name ?? issue.project_id}</span>
        {issue.milestone_id !== null && <span>{site.nameMilestone(issue.project_id, issue.milestone_id)}</span>}
        <span>{issue.assigned_to ?? t("issue.nobody")}</span>
        <time class="number" dateTime={issue.due_at} title={zone}>
          {t("issue.due", { when: issue.due_date })}
        </time>
      </p>
      <a class="button is-small issue-open" href={isChosen ? "#/issues" : addressOfIssue(issue.id)} aria-expanded={isChosen}>
        {t(isChosen ? "issue.fold" : "issue.show")}
      </a>
      {isChosen && (detail ? <Detail site={site} issue={detail} /> : <p class="muted">{t("load.busy")}</p>)}
    </li>
  );
}

function Detail({ site, issue }: { site: Site; issue: IssueDetail }) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const latest = issue.history.filter((each) => each.after_photos.length > 0).at(-1);
  return (
    <div class="issue-detail">
      <div class="issue-pictures">
        {issue.finding_ids.map((id) => (
          <Before key={id} site={site} findingId={id} />
        ))}
        {latest?.after_photos.map(({ media_id }) => (
          <Shot key={media_id} site={site} mediaId={media_id} caption={t("issue.after")} box={null} />
        ))}
      </div>
      <h4>{t("issue.history")}</h4>
      <ol class="issue-history">
        {issue.history.map((step, number) => (
          <HistoryLine key={number} step={step} zone={site.zoneOf(issue.project_id)} />
        ))}
      </ol>
      {/* Another step makes another form; what was refused of the last one stays to be read. */}
      {problem && <Refusal problem={problem} />}
      <Steps key={issue.history.length} site={site} issue={issue} onRefused={setProblem} />
    </div>
  );
}

/** What a finding of the issue shows. */
function Before({ site, findingId }: { site: Site; findingId: string }) {
  useEffect(() => site.askFinding(findingId), [site, findingId]);
  const finding = site.findings.value.get(findingId);
  if (!finding) return null;
  const caption = `${t("issue.before")} · ${chooseText(finding.title, language.value)}`;
  if (finding.media_id === null) return <p class="issue-finding">{caption}</p>;
  return <Shot site={site} mediaId={finding.media_id} caption={caption} box={finding.box_xyxy_px} />;
}

interface ShotProps {
  readonly site: Site;
  readonly mediaId: string;
  readonly caption: string;
  readonly box: Box | null;
}

function Shot({ site, mediaId, caption, box }: ShotProps) {
  const [large, setLarge] = useState(false);
  const medium = useMedium(site, mediaId, true);
  return (
    <figure class={`shot${large ? " is-large" : ""}`}>
      <button type="button" class="exhibit picture" title={t("issue.enlarge")} aria-pressed={large} onClick={() => setLarge(!large)}>
        <Picture site={site} mediaId={mediaId} medium={medium} title={caption} box={box} near annotated={box !== null} />
      </button>
      <figcaption>{caption}</figcaption>
    </figure>
  );
}

function HistoryLine({ step, zone }: { step: Transition; zone: string }) {
  const unknown = [...new Set(step.after_photos.flatMap((each) => each.unknown))];
  const checks = unknown.map((each) => tValue("check", each)).join(language.value === "zh" ? "、" : ", ");
  return (
    <li>
      <time class="number" dateTime={step.at}>
        {formatTime(step.at, zone)}
      </time>{" "}
      <b>{tValue("issue.status", step.to)}</b> {step.by} <span class="muted">{tValue("role", step.role)}</span>
      {step.note && <span class="outcome-reason">{step.note}</span>}
      {unknown.length > 0 && <span class="issue-unknown">{t("issue.unknown", { checks })}</span>}
    </li>
  );
}

interface StepsProps {
  readonly site: Site;
  readonly issue: IssueDetail;
  readonly onRefused: (problem: Problem | null) => void;
}

/** The steps that are offered here; photos are sent by who mends it, from elsewhere. */
function Steps({ site, issue, onRefused }: StepsProps) {
  const [to, setTo] = useState<IssueStatus | null>(null);
  const offered = issue.steps.filter((each) => each !== "rectified");
  if (offered.length === 0) return null;
  if (to !== null) return <StepForm site={site} issue={issue} to={to} onRefused={onRefused} onCancel={() => setTo(null)} />;
  return (
    <div class="review-choice">
      {offered.map((each) => (
        <button
          key={each}
          type="button"
          class={`button${each === "closed" ? " is-confirm" : each === "failed" ? " is-dark" : ""}`}
          onClick={() => setTo(each)}
        >
          {tValue("issue.step", each)}
        </button>
      ))}
    </div>
  );
}

interface StepFormProps extends StepsProps {
  readonly to: IssueStatus;
  readonly onCancel: () => void;
}

function StepForm({ site, issue, to, onRefused, onCancel }: StepFormProps) {
  const [note, setNote] = useState("");
  const [assignee, setAssignee] = useState(issue.assigned_to ?? "");
  const [due, setDue] = useState("");
  const [busy, setBusy] = useState(false);
  const send = async (): Promise<void> => {
    setBusy(true);
    onRefused(null);
    try {
      await site.issues.makeStep(issue.id, {
        to,
        ...(note.trim() === "" ? {} : { note: note.trim() }),
        ...(to === "assigned" && assignee.trim() !== "" ? { assigned_to: assignee.trim() } : {}),
        ...(due === "" ? {} : { due_date: due }),
      });
    } catch (error) {
      onRefused(error instanceof Problem ? error : new Problem(0, "page.error", String(error)));
      setBusy(false);
    }
  };
  return (
    <form
      class="review-form"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <input
        class="field"
        aria-label={t("issue.note")}
        placeholder={t("issue.note_hint")}
        maxLength={NOTE_LENGTH}
        value={note}
        disabled={busy}
        onInput={(event) => setNote(event.currentTarget.value)}
      />
      {to === "assigned" && (
        <label class="filter">
          <span>{t("issue.assigned_to")}</span>
          <input class="field" value={assignee} disabled={busy} onInput={(event) => setAssignee(event.currentTarget.value)} />
        </label>
      )}
      {to !== "closed" && (
        <label class="filter">
          <span>{t("issue.due_date")}</span>
          <input class="field" type="date" value={due} disabled={busy} onInput={(event) => setDue(event.currentTarget.value)} />
        </label>
      )}
      <div class="review-choice">
        <button type="submit" class={`button${to === "failed" ? " is-dark" : " is-confirm"}`} disabled={busy}>
          {busy ? t("review.busy") : tValue("issue.step", to)}
        </button>
        <button type="button" class="button is-plain" disabled={busy} onClick={onCancel}>
          {t("review.cancel")}
        </button>
      </div>
    </form>
  );
}

function Refusal({ problem }: { problem: Problem }) {
  const key = problem.status === 412 ? "issue.changed" : problem.status === 0 ? "review.failed" : "issue.refused";
  return (
    <p class="refusal" role="alert">
      <b>{t(key)}</b> {problem.detail}
    </p>
  );
}
