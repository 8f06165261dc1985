// What the checks of a medium said, each with its sentence; what needs a look comes first.

import { Problem } from "./client";
import { chooseText, language, t, tValue } from "./language";
import type { Check, Medium } from "./wire";

const SIGN = { fail: "✕", warn: "!", unknown: "?", pass: "✓" } as const;
const WEIGHT = Object.keys(SIGN);

export function Checks({ medium }: { medium: Medium | Problem | null }) {
  if (medium === null || medium instanceof Problem || medium.checks.length === 0) return null;
  const checks = [...medium.checks].sort((a, b) => WEIGHT.indexOf(a.verdict) - WEIGHT.indexOf(b.verdict));
  return (
    <ul class="checks" aria-label={t("checks.title")}>
      {checks.map((check) => (
        <CheckLine key={check.check + check.code} check={check} />
      ))}
    </ul>
  );
}

function CheckLine({ check }: { check: Check }) {
  return (
    <li class={`check verdict-${check.verdict}`} title={check.code}>
      <span class="check-sign" role="img" aria-label={tValue("verdict", check.verdict)}>
        {SIGN[check.verdict] ?? "?"}
      </span>
      <span>
        <b>{tValue("check", check.check)}</b> {chooseText(check.detail, language.value)}
      </span>
    </li>
  );
}
