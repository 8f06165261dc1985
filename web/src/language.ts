// Which language the pages speak, and how a text is said in it.

import { signal } from "@preact/signals";

import { MESSAGES, type Language, type MessageKey } from "./messages";

const REMEMBERED_AS = "siteproof.language";

/** The first of the browser's languages that there is a dictionary for; Chinese where there is none. */
export function chooseLanguage(wanted: readonly string[], remembered: string | null): Language {
  if (remembered === "zh" || remembered === "en") return remembered;
  for (const tag of wanted) {
    const language = tag.toLowerCase().split("-")[0];
    if (language === "zh" || language === "en") return language;
  }
  return "zh";
}

/** A message with its `{names}` filled in; a name that is not given stays as it is. */
export function formatMessage(language: Language, key: MessageKey, values: Record<string, string | number> = {}): string {
  return MESSAGES[language][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A text of the service in one language, else in another that it has. */
export function chooseText(text: Record<string, string>, language: Language): string {
  return text[language] ?? text["zh"] ?? text["en"] ?? Object.values(text)[0] ?? "";
}

export const language = signal<Language>("zh");

export function t(key: MessageKey, values?: Record<string, string | number>): string {
  return formatMessage(language.value, key, values);
}

/** A message whose key is made of a value of the service's, which may be newer than these pages. */
export function tValue(group: string, value: string): string {
  const key = `${group}.${value}`;
  return key in MESSAGES.zh ? t(key as MessageKey) : value.replaceAll("_", " ");
}

export function startLanguage(): void {
  use(chooseLanguage(navigator.languages, read()));
}

export function switchLanguage(): void {
  use(language.value === "zh" ? "en" : "zh");
  try {
    localStorage.setItem(REMEMBERED_AS, language.value);
  } catch {
    // A browser that forbids storage still switches, it only forgets.
  }
}

function use(chosen: Language): void {
  language.value = chosen;
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
}

function read(): string | null {
  try {
    return localStorage.getItem(REMEMBERED_AS);
  } catch {
    return null;
  }
}
