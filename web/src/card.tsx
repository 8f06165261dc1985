// One finding: its picture or plot, what it says, the checks behind it, and the decision.

import { useRef } from "preact/hooks";

import { Checks } from "./checks";
import { Problem } from "./client";
import { formatAgo, formatChainage, formatNumber, formatPercent, formatTime } from "./format";
import { chooseText, language, t, tValue } from "./language";
import { Picture, useMedium, useNear } from "./picture";
import { Review } from "./review";
import { SensorPlot } from "./sensor-plot";
import type { Site } from "./site";
import type { Finding, Medium } from "./wire";

interface CardProps {
  readonly site: Site;
  readonly finding: Finding;
  readonly onEnlarge: (finding: Finding) => void;
}

export function Card({ site, finding, onEnlarge }: CardProps) {
  const ref = useRef<HTMLElement>(null);
  const near = useNear(ref);
  const medium = useMedium(site, finding.media_id, near);
  const title = chooseText(finding.title, language.value);
  const isFresh = site.fresh.value.has(finding.id);
  return (
    <article
      ref={ref}
      class={`card severity-${finding.severity} status-${finding.status}`}
      data-finding={finding.id}
      tabIndex={0}
      aria-labelledby={`title-${finding.id}`}
    >
      <Exhibit site={site} finding={finding} medium={medium} near={near} title={title} onEnlarge={onEnlarge} />
      <div class="card-facts">
        <p class="badges">
          <Badges finding={finding} />
          {isFresh && <span class="badge is-fresh">{t("list.new_mark")}</span>}
        </p>
        <Title finding={finding} id={`title-${finding.id}`} />
        <Facts site={site} finding={finding} medium={medium} />
      </div>
      <div class="card-judgement">
        <SensorFacts finding={finding} />
        <Checks medium={medium} />
        <Review site={site} finding={finding} />
      </div>
    </article>
  );
}

interface ExhibitProps extends CardProps {
  readonly medium: Medium | Problem | null;
  readonly near: boolean;
  readonly title: string;
}

function Exhibit({ site, finding, medium, near, title, onEnlarge }: ExhibitProps) {
  if (finding.media_id !== null) {
    return (
      <button
        type="button"
        class="exhibit picture"
        data-act="enlarge"
        title={t("picture.open", { title })}
        onClick={() => onEnlarge(finding)}
      >
        <Picture
          site={site}
          mediaId={finding.media_id}
          medium={medium}
          title={title}
          box={finding.box_xyxy_px}
          near={near}
          annotated
        />
        {medium && !(medium instanceof Problem) && medium.format.startsWith("video/") && (
          <span class="picture-kind">▶ {t("finding.clip")}</span>
        )}
      </button>
    );
  }
  return (
    <div class="exhibit">
      {finding.sensor_id === null ? (
        <span class="picture-wait">{t("picture.no_medium")}</span>
      ) : (
        <SensorPlot site={site} finding={finding} near={near} />
      )}
    </div>
  );
}

export function Badges({ finding }: { finding: Finding }) {
  return (
    <>
      <span class={`badge severity-${finding.severity}`}>{tValue("severity", finding.severity)}</span>
      <span class="badge is-plain">{tValue("kind", finding.kind)}</span>
      {finding.status !== "open" && (
        <span class={`badge status-${finding.status}`}>{tValue("status", finding.status)}</span>
      )}
    </>
  );
}

/** In the chosen language, with the other one small beside it. */
export function Title({ finding, id }: { finding: Finding; id: string }) {
  const main = chooseText(finding.title, language.value);
  const [other, tag] = language.value === "zh" ? [finding.title["en"], "en"] : [finding.title["zh"], "zh-CN"];
  return (
    <>
      <h3 id={id} class="title">
        {main}
      </h3>
      {other && other !== main && (
        <p class="title-other" lang={tag}>
          {other}
        </p>
      )}
    </>
  );
}

interface FactsProps {
  readonly site: Site;
  readonly finding: Finding;
  readonly medium: Medium | Problem | null;
}

export function Facts({ site, finding, medium }: FactsProps) {
  const zone = site.zoneOf(finding.project_id);
  const project = site.projects.value.get(finding.project_id)?.name ?? finding.project_id;
  const score = finding.details["score"];
  const known = medium instanceof Problem ? null : medium;
  return (
    <>
      <p class="facts">
        <span class="fact-project">{project}</span>
        {finding.milestone_id !== null && <span>{site.nameMilestone(finding.project_id, finding.milestone_id)}</span>}
        {finding.chainage_m && <span class="number">{finding.chainage_m.map(formatChainage).join(" – ")}</span>}
      </p>
      <p class="facts">
        <time
          class="number"
          dateTime={finding.occurred_at}
          title={`${zone} · ${t("finding.recorded", { when: formatTime(finding.recorded_at, zone, { seconds: true }) })}`}
        >
          {formatTime(finding.occurred_at, zone)}
        </time>
        <span>{formatAgo(finding.occurred_at, site.now.value, language.value)}</span>
      </p>
      <p class="facts">
        <span class="code">{finding.code}</span>
        {typeof score === "number" && (
          <span>
            {t("finding.score")} <span class="number">{formatPercent(score)}</span>
          </span>
        )}
        {known && (
          <span>
            {t("finding.grade")} <b class={`grade grade-${known.evidence.grade}`}>{known.evidence.grade}</b>
          </span>
        )}
        {known?.camera_id && <span>{known.camera_id}</span>}
      </p>
    </>
  );
}

/** Value, limit and what is to be done, of a sensor's alarm. */
export function SensorFacts({ finding }: { finding: Finding }) {
  if (finding.sensor_id === null) return null;
  const { value, limit, unit, level, action } = finding.details;
  const show = (number: unknown): string | null =>
    typeof number === "number" ? `${formatNumber(number)} ${typeof unit === "string" ? unit : ""}` : null;
  const rows = [
    ["sensor.value", show(value)],
    ["sensor.limit", show(limit)],
    ["sensor.level", typeof level === "string" ? tValue("sensor.level", level) : null],
    ["sensor.action", typeof action === "string" && action !== "" ? action : null],
  ] as const;
  return (
    <dl class="sensor-facts">
      {rows.map(
        ([key, text]) =>
          text !== null && (
            <div key={key}>
              <dt>{t(key)}</dt>
              <dd>{text}</dd>
            </div>
          ),
      )}
    </dl>
  );
}
