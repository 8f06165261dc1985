// The shots: what waits, how far it is, what was accepted, and why not.

import { useEffect, useState } from "preact/hooks";

import { formatPercent, formatTime } from "../format";
import { chooseText, language } from "../language";
import { keepOnPhone } from "./camera";
import type { Desk } from "./desk";
import { formatSize } from "./format";
import type { Shot } from "./shape";
import { hasWord, w } from "./words";

const SHOWN = 60;
const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

export function Queue({ desk }: { desk: Desk }) {
  const shots = desk.shots.value;
  return (
    <section class="queue" aria-labelledby="queue-title">
      <div class="queue-head">
        <h2 id="queue-title">{w("queue.title")}</h2>
        <p role="status">{describe(desk)}</p>
        {desk.waiting.value > 0 && (
          <button type="button" class="button is-small" onClick={() => desk.sender.hurry()}>
            {w("queue.now")}
          </button>
        )}
      </div>
      {desk.waiting.value > 0 && <Trouble desk={desk} />}
      <ul class="shots">
        {shots.slice(0, SHOWN).map((shot) => (
          <ShotLine key={shot.id} shot={shot} desk={desk} />
        ))}
      </ul>
    </section>
  );
}

function describe(desk: Desk): string {
  if (desk.waiting.value > 0) return w("queue.waiting", { count: desk.waiting.value });
  if (desk.shots.value.length === 0) return w("queue.empty");
  return desk.shots.value.some((shot) => shot.state === "refused") ? "" : w("queue.all_sent");
}

function Trouble({ desk }: { desk: Desk }) {
  if (!desk.online.value) return <p class="notice">{w("queue.offline")}</p>;
  return desk.sender.connection.value === "waiting" ? <p class="notice">{w("queue.retrying")}</p> : null;
}

function ShotLine({ shot, desk }: { shot: Shot; desk: Desk }) {
  const when = formatTime(new Date(shot.takenAt).toISOString(), ZONE, { seconds: true });
  const sent = desk.sender.progress.value.get(shot.id);
  return (
    <li class={`shot is-${shot.state}`} data-shot={shot.id}>
      <Thumbnail shot={shot} label={w("shot.alt", { when })} />
      <div class="shot-text">
        <p class="shot-head">
          <b class="shot-state">
            {sent === undefined ? w(`state.${shot.state}`) : w("state.sending", { percent: formatPercent(sent / shot.size) })}
          </b>
          <span class="muted">
            {when} · {formatSize(shot.size)}
          </span>
        </p>
        {sent !== undefined && <progress class="shot-progress" value={sent} max={shot.size} aria-label={w("state.progress")} />}
        {shot.problem !== null && <p class="shot-problem">{explain(shot)}</p>}
        {shot.state === "accepted" && <Verdicts shot={shot} />}
        {shot.state === "refused" && <Choices shot={shot} desk={desk} />}
      </div>
    </li>
  );
}

/** The service's sentences: of an accepted photo those that ask for attention. */
function Verdicts({ shot }: { shot: Shot }) {
  const told = shot.checks.filter((check) => check.verdict !== "pass");
  return (
    <>
      {shot.grade !== null && <p class="shot-grade">{w("grade", { grade: shot.grade })}</p>}
      <ul class="verdicts">
        {told.map((check) => (
          <li key={check.check + check.code} class={`verdict is-${check.verdict}`}>
            {chooseText(check.detail, language.value)}
          </li>
        ))}
      </ul>
    </>
  );
}

function Choices({ shot, desk }: { shot: Shot; desk: Desk }) {
  return (
    <div class="shot-keys">
      <button type="button" class="button is-small" onClick={() => void desk.tryAgain(shot)}>
        {w("shot.again")}
      </button>
      <button
        type="button"
        class="button is-small"
        onClick={() => void desk.readPicture(shot).then((picture) => picture && keepOnPhone(picture))}
      >
        {w("shot.keep")}
      </button>
      <button
        type="button"
        class="button is-small"
        onClick={() => {
          if (confirm(w("shot.throw_sure"))) void desk.throwAway(shot);
        }}
      >
        {w("shot.throw")}
      </button>
    </div>
  );
}

function explain(shot: Shot): string {
  const key = `problem.${shot.problem ?? ""}`;
  const why = hasWord(key) ? w(key) : w("problem.other", { code: shot.problem ?? "" });
  return shot.state === "waiting" ? w("state.problem", { why }) : why;
}

function Thumbnail({ shot, label }: { shot: Shot; label: string }) {
  const [address, setAddress] = useState<string | null>(null);
  useEffect(() => {
    if (shot.thumbnail === null) return undefined;
    const made = URL.createObjectURL(shot.thumbnail);
    setAddress(made);
    return () => URL.revokeObjectURL(made);
  }, [shot.id]);
  return address === null ? <span class="thumbnail" /> : <img class="thumbnail" src={address} alt={label} />;
}
