// What is listed: project, kind, severity, status, and in which order.

import { t } from "./language";
import { START_FILTER, writeFilter, type Filter } from "./ordering";
import type { Site } from "./site";
import { KINDS, SEVERITIES, STATUSES } from "./wire";

export type Choice = readonly [value: string, label: string];

interface SelectProps {
  readonly label: string;
  readonly value: string;
  readonly choices: readonly Choice[];
  readonly onChoose: (value: string) => void;
}

export function Select({ label, value, choices, onChoose }: SelectProps) {
  return (
    <label class="filter">
      <span>{label}</span>
      <select value={value} onChange={(event) => onChoose(event.currentTarget.value)}>
        {choices.map(([choice, text]) => (
          <option key={choice} value={choice}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export function Filters({ site }: { site: Site }) {
  const filter = site.filter.value;
  const any: Choice = ["", t("filter.any")];
  const projects = [...site.projects.value.values()].map<Choice>(({ id, name }) => [id, name]);
  const set = (name: keyof Filter) => (value: string) => site.setFilter({ [name]: value } as Partial<Filter>);
  return (
    <form class="filters" aria-label={t("filter.title")} onSubmit={(event) => event.preventDefault()}>
      <Select label={t("filter.project")} value={filter.project} choices={[any, ...projects]} onChoose={set("project")} />
      <Select
        label={t("filter.kind")}
        value={filter.kind}
        choices={[any, ...KINDS.map<Choice>((each) => [each, t(`kind.${each}`)])]}
        onChoose={set("kind")}
      />
      <Select
        label={t("filter.severity")}
        value={filter.severity}
        choices={[any, ...SEVERITIES.map<Choice>((each) => [each, t(`severity.${each}`)])]}
        onChoose={set("severity")}
      />
      <Select
        label={t("filter.status")}
        value={filter.status}
        choices={[any, ...STATUSES.map<Choice>((each) => [each, t(`status.${each}`)])]}
        onChoose={set("status")}
      />
      <Select
        label={t("filter.order")}
        value={filter.order}
        choices={[
          ["severity", t("order.severity")],
          ["newest", t("order.newest")],
        ]}
        onChoose={set("order")}
      />
      {writeFilter(filter) !== "" && (
        <button type="button" class="button is-small is-plain" onClick={() => site.setFilter(START_FILTER)}>
          {t("filter.clear")}
        </button>
      )}
    </form>
  );
}
