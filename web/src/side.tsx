// Beside the list: the projects with their counts, and the sensors with what they said last.

import { useEffect } from "preact/hooks";

import { formatAgo, formatNumber } from "./format";
import { language, t, tValue } from "./language";
import { isPending, type Site } from "./site";
import type { Project, Reading, Sensor } from "./wire";

const PROJECTS_SHOWN = 8;

export function Side({ site }: { site: Site }) {
  const chosen = site.filter.value.project;
  const open = site.openByProject.value;
  const projects = [...site.projects.value.values()].sort(
    (a, b) => Number(b.id === chosen) - Number(a.id === chosen) || (open.get(b.id) ?? 0) - (open.get(a.id) ?? 0),
  );
  const sensors = site.listShownSensors();
  const sensorCount = site.sensors.value.filter((each) => chosen === "" || each.project_id === chosen).length;
  return (
    <>
      <section aria-labelledby="side-projects">
        <h2 id="side-projects">{t("side.projects")}</h2>
        {projects.length === 0 && <p class="muted">{t("side.no_projects")}</p>}
        <ul class="side-list">
          {projects.slice(0, PROJECTS_SHOWN).map((project) => (
            <ProjectRow key={project.id} site={site} project={project} />
          ))}
        </ul>
        <More count={projects.length - PROJECTS_SHOWN} />
      </section>
      <section aria-labelledby="side-sensors">
        <h2 id="side-sensors">{t("side.sensors")}</h2>
        {sensors.length === 0 && <p class="muted">{t("sensor.none")}</p>}
        <ul class="side-list">
          {sensors.map((sensor) => (
            <SensorRow key={sensor.id} site={site} sensor={sensor} />
          ))}
        </ul>
        <More count={sensorCount - sensors.length} />
      </section>
    </>
  );
}

function More({ count }: { count: number }) {
  return count > 0 ? <p class="muted">{t("side.more", { count })}</p> : null;
}

function ProjectRow({ site, project }: { site: Site; project: Project }) {
  useEffect(() => site.countMedia(project.id), [site, project.id]);
  const isChosen = site.filter.value.project === project.id;
  const media = site.mediaStatus.value.get(project.id);
  const pending = [...(media?.values() ?? [])].filter(isPending).length;
  return (
    <li>
      <button
        type="button"
        class="side-row"
        aria-pressed={isChosen}
        onClick={() => site.setFilter({ project: isChosen ? "" : project.id })}
      >
        <span class="side-name">{project.name}</span>
        <span class="facts">
          <span>{t("side.open", { count: site.openByProject.value.get(project.id) ?? 0 })}</span>
          {media && <span>{t("side.media", { count: media.size >= 500 ? "500+" : media.size })}</span>}
          {pending > 0 && <span>{t("side.pending", { count: pending })}</span>}
        </span>
      </button>
    </li>
  );
}

function SensorRow({ site, sensor }: { site: Site; sensor: Sensor }) {
  const reading = site.latest.value.get(sensor.id);
  const level = reading ? findLevel(sensor, reading) : null;
  return (
    <li class={`side-row sensor-row${level === null ? "" : ` level-${level}`}`}>
      <span class="side-name">
        {tValue("sensor.kind", sensor.kind)} <span class="code">{sensor.id}</span>
      </span>
      <span class="sensor-value number">
        {reading ? `${formatNumber(reading.v)} ${sensor.unit}` : t(reading === null ? "sensor.silent" : "load.busy")}
      </span>
      {reading && (
        <span class="facts">
          <span>{formatAgo(reading.t, site.now.value, language.value)}</span>
          {level !== null && <b class="level">{tValue("sensor.level", level)}</b>}
          {isStale(sensor, reading, site.now.value) && <b class="level">{t("sensor.stale")}</b>}
          {reading.q === "bad" && <b class="level">{t("sensor.bad")}</b>}
        </span>
      )}
    </li>
  );
}

/** The severest alarm level whose limit the reading is beyond; levels come from the mildest to the severest. */
export function findLevel(sensor: Sensor, reading: Reading): string | null {
  const beyond = sensor.alarms.filter(
    ({ above, below }) => (above !== null && reading.v > above) || (below !== null && reading.v < below),
  );
  return beyond.at(-1)?.level ?? null;
}

function isStale(sensor: Sensor, reading: Reading, now: number): boolean {
  return sensor.stale_after_s !== null && now - Date.parse(reading.t) > sensor.stale_after_s * 1000;
}
