// Where the phone page starts.

import { effect } from "@preact/signals";
import { render } from "preact";

import { startLanguage } from "../language";
import { readTokenOfHash } from "../session";
import { Desk } from "./desk";
import { FieldPage } from "./page";
import { startSensing } from "./sensing";
import { Store } from "./store";
import { w } from "./words";

/** The token of the address, taken out of it and of the history. */
function takeGivenToken(): string | null {
  const given = readTokenOfHash(location.hash);
  if (given !== null) history.replaceState(null, "", location.pathname + location.search);
  return given;
}

async function start(frame: HTMLElement): Promise<void> {
  startLanguage();
  effect(() => {
    document.title = w("app.name");
  });
  const desk = new Desk(await Store.open());
  render(<FieldPage desk={desk} />, frame);
  startSensing();
  addEventListener("hashchange", () => {
    const given = takeGivenToken();
    if (given !== null) void desk.signIn(given);
  });
  await desk.start(takeGivenToken());
}

// Missing where the page was opened without TLS.
const { serviceWorker } = navigator as { serviceWorker?: ServiceWorkerContainer };
void serviceWorker?.register("/field-worker.js", { scope: "/field" });
const frame = document.getElementById("field");
if (frame) void start(frame);
