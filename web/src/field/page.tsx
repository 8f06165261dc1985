// The phone page, from top to bottom: what and where, the camera, what is still to be taken, the photos.

import { formatChainage } from "../format";
import { switchLanguage } from "../language";
import { Camera } from "./camera";
import type { Desk } from "./desk";
import { formatDistance, formatSize } from "./format";
import { placeFix, stationOf } from "./ground";
import { isDone, makePlan } from "./plan";
import { Queue } from "./queue";
import { fix, sight } from "./sensing";
import type { FieldProject, Requires } from "./shape";
import { canSpeak, voice } from "./speech";
import { SignIn } from "./sign-in";
import { hasWord, w } from "./words";

/** Further away, the chainage of the nearest place says nothing. [m] */
const NEAR_LINE_M = 200;
const SHOWN_GAPS = 3;

export function FieldPage({ desk }: { desk: Desk }) {
  return (
    <>
      <Bar desk={desk} />
      <main class="field">
        {!isSecureContext && <p class="notice is-bad">{w("secure.missing")}</p>}
        {desk.low.value !== null && <p class="notice is-bad">{w("storage.low", { size: formatSize(desk.low.value) })}</p>}
        {desk.token.value === null ? <SignIn desk={desk} /> : <Work desk={desk} />}
        {desk.shots.value.length > 0 || desk.token.value !== null ? <Queue desk={desk} /> : null}
        {desk.waiting.value > 0 && !desk.persisted.value && <p class="notice">{w("storage.unsafe")}</p>}
        {desk.token.value !== null && <SignOut desk={desk} />}
      </main>
    </>
  );
}

function Bar({ desk }: { desk: Desk }) {
  return (
    <header class="bar">
      <h1 class="bar-name">{w("app.name")}</h1>
      {canSpeak && (
        <button type="button" class="bar-key" aria-pressed={voice.value} onClick={() => void desk.setVoice(!voice.value)}>
          {w(voice.value ? "voice.on" : "voice.off")}
        </button>
      )}
      <button type="button" class="bar-key" onClick={switchLanguage}>
        {w("language.other")}
      </button>
    </header>
  );
}

function Work({ desk }: { desk: Desk }) {
  const project = desk.project.value;
  if (project === null) return <p class="notice">{w("project.none")}</p>;
  return (
    <>
      <Target desk={desk} project={project} />
      <PlaceLine project={project} />
      <Camera desk={desk} />
      <PlanLines desk={desk} project={project} />
    </>
  );
}

function Target({ desk, project }: { desk: Desk; project: FieldProject }) {
  const choose = (id: string): void => {
    const chosen = desk.projects.value.find((each) => each.id === id);
    void desk.choose(id, chosen?.milestones[0]?.id ?? null);
  };
  return (
    <div class="target">
      <label class="pick">
        <span>{w("project.label")}</span>
        <select value={project.id} onChange={(event) => choose(event.currentTarget.value)}>
          {desk.projects.value.map(({ id, name }) => (
            <option key={id} value={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <label class="pick">
        <span>{w("milestone.label")}</span>
        <select
          value={desk.milestoneId.value ?? ""}
          onChange={(event) => void desk.choose(project.id, event.currentTarget.value || null)}
        >
          {project.milestones.map(({ id, title }) => (
            <option key={id} value={id}>
              {title}
            </option>
          ))}
          <option value="">{w("milestone.none")}</option>
        </select>
      </label>
    </div>
  );
}

function PlaceLine({ project }: { project: FieldProject }) {
  const here = fix.value;
  if (here === null || (sight.value !== "seen" && sight.value !== "lost")) {
    const state = sight.value === "seen" ? "asking" : sight.value;
    return <p class="place is-unknown" role="status">{w(`place.${state}`)}</p>;
  }
  const placing = project.boundary && placeFix(here, project.boundary);
  const station = project.alignment && stationOf(here, project.alignment);
  const side = placing?.side ?? "no_boundary";
  const details = [w("place.accuracy", { metres: Math.round(here.accuracy_m) })];
  if (station && station.offset_m <= NEAR_LINE_M) {
    details.unshift(w("place.off_line", { distance: formatDistance(station.offset_m) }));
    details.unshift(w("place.station", { chainage: formatChainage(Math.round(station.chainage_m)) }));
  }
  if (sight.value === "lost") details.push(w("place.stale"));
  return (
    <p class={`place is-${side}`} role="status">
      <b class="place-side">{w(`place.${side}`, { distance: formatDistance(placing?.distance_m ?? 0) })}</b>
      <span class="facts">
        {details.map((detail) => (
          <span key={detail} class="fact">
            {detail}
          </span>
        ))}
      </span>
    </p>
  );
}

function PlanLines({ desk, project }: { desk: Desk; project: FieldProject }) {
  const milestone = desk.milestone.value;
  if (milestone === null) return null;
  const { photos, elements } = milestone.requires;
  if (!photos && !elements?.length) return <p class="plan muted">{w("plan.free")}</p>;
  const plan = makePlan(project, milestone, desk.shots.value);
  const gaps = plan.gaps.slice(0, SHOWN_GAPS).map(([from, to]) => `${formatChainage(from)}–${formatChainage(to)}`);
  const more = plan.gaps.length - gaps.length;
  return (
    <div class="plan">
      {plan.photos && <p>{w("plan.photos", plan.photos)}</p>}
      {gaps.length > 0 && (
        <p class="plan-missing">
          {w("plan.gaps", { gaps: gaps.join(", ") })} {more > 0 && w("plan.more", { count: more })}
        </p>
      )}
      {photos && isDone(plan) && <p class="plan-done">{w("plan.done")}</p>}
      <Elements elements={plan.elements} />
      {photos && <p class="muted">{w("plan.own")}</p>}
    </div>
  );
}

function Elements({ elements }: { elements: NonNullable<Requires["elements"]> }) {
  const name = (label: string): string => {
    const key = `label.${label}`;
    return hasWord(key) ? w(key) : label;
  };
  const seen = elements.filter((each) => !each.absent).map(({ label, min }) =>
    min !== undefined && min > 1 ? w("element.count", { label: name(label), min }) : name(label),
  );
  const absent = elements.filter((each) => each.absent).map(({ label }) => name(label));
  return (
    <>
      {seen.length > 0 && <p>{w("plan.seen", { things: seen.join(", ") })}</p>}
      {absent.length > 0 && <p>{w("plan.absent", { things: absent.join(", ") })}</p>}
    </>
  );
}

function SignOut({ desk }: { desk: Desk }) {
  const leave = (): void => {
    const count = desk.waiting.value;
    if (count === 0 || confirm(w("sign_out.sure", { count }))) void desk.signOut();
  };
  return (
    <button type="button" class="button is-small sign-out" onClick={leave}>
      {w("sign_out")}
    </button>
  );
}
