// Confirming and dismissing: two keys and a reason.

import { useEffect, useRef, useState } from "preact/hooks";

import { Problem } from "./client";
import { formatTime } from "./format";
import { t, tValue } from "./language";
import type { MessageKey } from "./messages";
import { addressOfIssue } from "./place";
import type { Site } from "./site";
import type { Decision, Finding } from "./wire";

/** What an inspector may do with a finding: `raised` is confirmed, with an issue raised from it. */
type Act = Decision | "raised";

const REASONS: Record<Act, readonly MessageKey[]> = {
  confirmed: ["reason.confirmed.seen", "reason.confirmed.notified"],
  raised: ["reason.confirmed.seen", "reason.raised.mend"],
  dismissed: ["reason.dismissed.false", "reason.dismissed.unclear", "reason.dismissed.outside"],
};
const REASON_LENGTH = 2000;

export function Review({ site, finding }: { site: Site; finding: Finding }) {
  const [act, setAct] = useState<Act | null>(null);
  const [problem, setProblem] = useState<Problem | null>(null);
  if (finding.status !== "open") {
    return (
      <>
        <Outcome site={site} finding={finding} />
        {problem && <Refusal problem={problem} />}
      </>
    );
  }
  if (!site.mayReview) return null;
  if (act === null) {
    return (
      <div class="review-choice">
        <button type="button" class="button is-confirm" data-act="confirm" onClick={() => setAct("confirmed")}>
          {t("review.confirm")}
        </button>
        <button type="button" class="button is-raise" data-act="raise" onClick={() => setAct("raised")}>
          {t("review.raise")}
        </button>
        <button type="button" class="button" data-act="dismiss" onClick={() => setAct("dismissed")}>
          {t("review.dismiss")}
        </button>
        {problem && <Refusal problem={problem} />}
      </div>
    );
  }
  const close = (told: Problem | null): void => {
    setProblem(told);
    setAct(null);
  };
  return <ReasonForm key={act} site={site} finding={finding} act={act} onClose={close} />;
}

interface ReasonFormProps {
  readonly site: Site;
  readonly finding: Finding;
  readonly act: Act;
  readonly onClose: (problem: Problem | null) => void;
}

function ReasonForm({ site, finding, act, onClose }: ReasonFormProps) {
  const [reason, setReason] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => field.current?.focus({ preventScroll: true }), []);
  // The form takes the focus away with it when it goes, so the finding gets it, for the next key.
  const findCard = (): HTMLElement | null => field.current?.closest<HTMLElement>("[data-finding]") ?? null;
  const leave = (problem: Problem | null, card = findCard()): void => {
    onClose(problem);
    card?.focus({ preventScroll: true });
  };
  const send = async (text: string): Promise<void> => {
    if (text.trim() === "") return field.current?.focus();
    const card = findCard();
    setBusy(true);
    try {
      await site.review(finding, act === "dismissed" ? "dismissed" : "confirmed", text.trim(), { raise: act === "raised" });
      leave(null, card);
    } catch (error) {
      leave(error instanceof Problem ? error : new Problem(0, "page.error", String(error)), card);
    }
  };
  return (
    <form
      class="review-form"
      onSubmit={(event) => {
        event.preventDefault();
        void send(reason);
      }}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        // Within the viewer Escape must end this form, and not the viewer.
        event.preventDefault();
        event.stopPropagation();
        leave(null);
      }}
    >
      <div class="reasons">
        {REASONS[act].map((key) => (
          <button key={key} type="button" class="button is-small" disabled={busy} onClick={() => void send(t(key))}>
            {t(key)}
          </button>
        ))}
      </div>
      <input
        ref={field}
        class="field"
        aria-label={t("review.reason")}
        placeholder={t("review.reason_hint")}
        maxLength={REASON_LENGTH}
        value={reason}
        required
        disabled={busy}
        onInput={(event) => setReason(event.currentTarget.value)}
      />
      <div class="review-choice">
        <button type="submit" class={`button${act === "dismissed" ? " is-dark" : " is-confirm"}`} disabled={busy}>
          {t(busy ? "review.busy" : `review.submit_${act}`)}
        </button>
        <button type="button" class="button is-plain" disabled={busy} onClick={() => leave(null)}>
          {t("review.cancel")}
        </button>
      </div>
    </form>
  );
}

function Outcome({ site, finding }: { site: Site; finding: Finding }) {
  const who = finding.reviewed_by ?? "";
  const when = finding.reviewed_at ? formatTime(finding.reviewed_at, site.zoneOf(finding.project_id)) : "";
  return (
    <p class={`outcome status-${finding.status}`}>
      <b>{tValue("status", finding.status)}</b> {when && t("review.by", { who, when })}
      {finding.review_reason && <span class="outcome-reason">{finding.review_reason}</span>}
      {finding.issue_id !== null && (
        <a class="outcome-issue" href={addressOfIssue(finding.issue_id)}>
          {t("review.issue")} →
        </a>
      )}
    </p>
  );
}

function Refusal({ problem }: { problem: Problem }) {
  const key = problem.status === 403 ? "review.refused" : problem.status === 409 ? "review.conflict" : "review.failed";
  return (
    <p class="refusal" role="alert">
      <b>{t(key)}</b> {problem.detail}
    </p>
  );
}
