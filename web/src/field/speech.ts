// Spoken prompts, for who looks at the work and not at the screen.

import { signal } from "@preact/signals";

import { language } from "../language";
import { w, type WordKey } from "./words";

export const voice = signal(true);
export const canSpeak = "speechSynthesis" in globalThis;

export function say(key: WordKey, values?: Record<string, string | number>): void {
  if (!voice.value || !canSpeak) return;
  const sentence = new SpeechSynthesisUtterance(w(key, values));
  sentence.lang = language.value === "zh" ? "zh-CN" : "en";
  // The newest counts; what is said late is wrong.
  speechSynthesis.cancel();
  speechSynthesis.speak(sentence);
}
