// The page of one who is signed in.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { Filters } from "./filters";
import { Issues } from "./issues";
import { language, switchLanguage, t, tValue } from "./language";
import { List } from "./list";
import { START_FILTER, writeFilter } from "./ordering";
import { place } from "./place";
import { Side } from "./side";
import { FINDINGS_BOUND, type Site } from "./site";
import { KEYED_ACTS, press, Viewer } from "./viewer";
import { SEVERITIES } from "./wire";

export function Page({ site, onSignOut }: { site: Site; onSignOut: () => void }) {
  const { page, issueId } = place.value;
  return (
    <>
      {page === "findings" && (
        <a class="skip" href="#findings">
          {t("app.skip")}
        </a>
      )}
      <Header site={site} onSignOut={onSignOut} />
      {page === "issues" ? <Issues site={site} chosen={issueId} /> : <FindingsPage site={site} />}
    </>
  );
}

function FindingsPage({ site }: { site: Site }) {
  const [enlarged, setEnlarged] = useState<string | null>(null);
  useKeys(enlarged === null);
  const findings = site.shown.value;
  const finding = enlarged === null ? undefined : site.findings.value.get(enlarged);
  const step = (by: 1 | -1): void => {
    const next = findings[findings.findIndex((each) => each.id === enlarged) + by];
    if (next) setEnlarged(next.id);
  };
  const close = (): void => {
    const card = document.querySelector<HTMLElement>(`.cards [data-finding="${CSS.escape(enlarged ?? "")}"]`);
    setEnlarged(null);
    card?.focus({ preventScroll: true });
    card?.scrollIntoView({ block: "nearest" });
  };
  return (
    <>
      <div class="layout">
        <main id="findings" tabIndex={-1} aria-labelledby="findings-title">
          <Fold label={t("filter.title")} wide="(min-width: 40.01em)">
            <Filters site={site} />
          </Fold>
          <Findings site={site} onEnlarge={setEnlarged} />
        </main>
        <aside class="side" aria-label={t("side.title")}>
          <Fold label={t("side.title")} wide="(min-width: 64.01em)">
            <Side site={site} />
          </Fold>
        </aside>
      </div>
      {finding && <Viewer site={site} finding={finding} onStep={step} onClose={close} />}
    </>
  );
}

function Header({ site, onSignOut }: { site: Site; onSignOut: () => void }) {
  const who = site.who.value;
  return (
    <header class="top">
      <h1 class="brand">{t("app.name")}</h1>
      {site.who.value?.role !== "field" && <Places />}
      {place.value.page === "findings" && <Summary site={site} />}
      <div class="top-end">
        {who && (
          <span class="who" title={who.area}>
            {who.person ?? who.name ?? ""} <span class="muted">{tValue("role", who.role)}</span>
          </span>
        )}
        <LanguageButton />
        <button type="button" class="button is-small is-plain" onClick={onSignOut}>
          {t("sign_out")}
        </button>
      </div>
      {site.lost.value && (
        <p class="lost" role="status">
          {t("connection.lost")}
        </p>
      )}
    </header>
  );
}

export function LanguageButton() {
  return (
    <button type="button" class="button is-small is-plain" lang={language.value === "zh" ? "en" : "zh-CN"} onClick={switchLanguage}>
      {t("language.other")}
    </button>
  );
}

/** The two pages. */
function Places() {
  const here = place.value.page;
  return (
    <nav class="places" aria-label={t("place.title")}>
      <a href="#/findings" aria-current={here === "findings" ? "page" : undefined}>
        {t("list.title")}
      </a>
      <a href="#/issues" aria-current={here === "issues" ? "page" : undefined}>
        {t("issue.title")}
      </a>
    </nav>
  );
}

/** Open findings by severity; each is a button that lists them. */
function Summary({ site }: { site: Site }) {
  const counts = site.openBySeverity.value;
  const filter = site.filter.value;
  const total = [...counts.values()].reduce((sum, each) => sum + each, 0);
  const more = site.openTruncated.value ? "+" : "";
  const isAll = filter.status === "open" && filter.severity === "";
  return (
    <div class="summary" role="group" aria-label={t("summary.title")}>
      <button
        type="button"
        class="count"
        aria-pressed={isAll}
        onClick={() => site.setFilter({ status: "open", severity: "" })}
      >
        {t("summary.title")} <b>{`${total}${more}`}</b>
      </button>
      {SEVERITIES.map((severity) => {
        const isChosen = filter.status === "open" && filter.severity === severity;
        return (
          <button
            key={severity}
            type="button"
            class={`count severity-${severity}`}
            aria-pressed={isChosen}
            onClick={() => site.setFilter({ status: "open", severity: isChosen ? "" : severity })}
          >
            {t(`severity.${severity}`)} <b>{counts.get(severity) ?? 0}</b>
          </button>
        );
      })}
    </div>
  );
}

function Findings({ site, onEnlarge }: { site: Site; onEnlarge: (id: string) => void }) {
  const findings = site.shown.value;
  const filter = site.filter.value;
  const problem = site.problem.value;
  return (
    <section>
      <div class="list-head">
        <h2 id="findings-title">
          {t("list.title")} <span class="muted">{t("list.count", { count: findings.length })}</span>
        </h2>
        {site.mayReview && <p class="muted keys">{t("list.keys")}</p>}
      </div>
      {site.truncated.value && <p class="note">{t("list.truncated", { count: FINDINGS_BOUND })}</p>}
      {problem && (
        <p class="refusal" role="alert">
          <b>{t("load.failed")}</b> {problem.detail}{" "}
          <button type="button" class="button is-small" onClick={() => void site.reload()}>
            {t("load.again")}
          </button>
        </p>
      )}
      {findings.length === 0 && !problem && (
        <p class="empty">
          {site.loading.value
            ? t("load.busy")
            : t(writeFilter(filter) === writeFilter(START_FILTER) ? "list.empty_open" : "list.empty")}
        </p>
      )}
      <List
        site={site}
        findings={findings}
        listKey={JSON.stringify(filter)}
        onEnlarge={(finding) => onEnlarge(finding.id)}
      />
    </section>
  );
}

/** Open on a wide window, where its summary does not show; folded away on a narrow one. */
function Fold({ label, wide, children }: { label: string; wide: string; children: ComponentChildren }) {
  const frame = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const query = matchMedia(wide);
    const follow = (): void => {
      if (frame.current) frame.current.open = query.matches;
    };
    follow();
    query.addEventListener("change", follow);
    return () => query.removeEventListener("change", follow);
  }, [wide]);
  return (
    <details ref={frame} class="fold">
      <summary>{label}</summary>
      {children}
    </details>
  );
}

/** The keys of the list; a card is acted upon while it has the focus. */
function useKeys(active: boolean): void {
  useEffect(() => {
    if (!active) return;
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const target = event.target instanceof HTMLElement ? event.target : document.body;
      if (target.closest("input, select, textarea")) return;
      const card = target.closest<HTMLElement>(".cards [data-finding]");
      if (event.key === "j" || event.key === "k") focusNext(card, event.key === "j" ? 1 : -1);
      else if (event.key in KEYED_ACTS) press(card, KEYED_ACTS[event.key as keyof typeof KEYED_ACTS]);
      else if (event.key === "Enter" && target === card) press(card, "enlarge");
      else return;
      event.preventDefault();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [active]);
}

function focusNext(card: HTMLElement | null, by: 1 | -1): void {
  const cards = [...document.querySelectorAll<HTMLElement>(".cards [data-finding]")];
  const next = card === null ? cards[0] : cards[cards.indexOf(card) + by];
  next?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
}
