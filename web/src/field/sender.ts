// Sending what waits: one file after the other, by tus, until the service has said which medium each became.
//
// The bytes of a shot go from the phone only after the service has named the medium and its hash is the shot's own.

import { signal } from "@preact/signals";
import { DetailedError, Upload } from "tus-js-client";

import { Client, makePath, Problem } from "../client";
import type { Medium } from "../wire";
import type { Shot } from "./shape";
import type { Store } from "./store";

const PIECE_BYTES = 512 * 1024;
/** A network that neither answers nor fails is given up after this. [ms] */
const STALLED_MS = 45_000;
const FIRST_PAUSE_MS = 2_000;
const LONGEST_PAUSE_MS = 60_000;
/** What is tried again, however often: nothing is wrong with the photo. */
const PASSING = new Set([0, 401, 408, 423, 425, 429]);
const PASSING_CODES = new Set(["upload.offset_mismatch", "upload.not_found", "media.conflict"]);

interface SentMedium extends Medium {
  readonly sha256: string;
}

export type Connection = "idle" | "sending" | "waiting" | "refused_token";

export class Sender {
  /** Bytes that have arrived, by shot. */
  readonly progress = signal<ReadonlyMap<string, number>>(new Map());
  readonly connection = signal<Connection>("idle");

  private token: string | null = null;
  private failures = 0;
  private wake: () => void = () => undefined;
  private running: Upload | null = null;
  private stop: ((problem: Problem) => void) | null = null;

  constructor(
    private readonly store: Store,
    private readonly onChange: () => Promise<void>,
  ) {}

  /** Go on for as long as the page lives; of several open pages one sends. */
  start(): void {
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.stop?.(new Problem(0, "network.unreachable", "offline")));
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState === "visible") this.hurry();
    });
    const locks = (navigator as { locks?: LockManager }).locks;
    if (locks === undefined) void this.run();
    else void locks.request("siteproof-field-sender", () => this.run());
  }

  /** Use this token from now on; null: send nothing. */
  use(token: string | null): void {
    this.token = token;
    if (token !== null) this.hurry();
  }

  /** Something new waits, or the network may be back: try at once. */
  hurry(): void {
    this.failures = 0;
    this.wake();
  }

  private async run(): Promise<never> {
    for (;;) {
      const shot = this.token === null ? undefined : await this.findNext().catch(() => undefined);
      if (shot === undefined || this.token === null) {
        if (this.connection.value !== "refused_token") this.connection.value = "idle";
        await this.pause(LONGEST_PAUSE_MS);
        continue;
      }
      this.connection.value = "sending";
      try {
        await this.send(shot, this.token);
        this.failures = 0;
      } catch (error) {
        await this.fail(shot, asProblem(error)).catch(() => undefined);
      }
      // A database that fails for a moment must not end the sending for as long as the page lives.
      await this.onChange().catch(() => undefined);
      if (this.failures > 0) await this.pause(pauseAfter(this.failures));
    }
  }

  /** The oldest that waits; one that just failed lets the others go first. */
  private async findNext(): Promise<Shot | undefined> {
    const waiting = (await this.store.list()).filter((shot) => shot.state === "waiting");
    return waiting.sort((a, b) => a.attempts - b.attempts || a.takenAt - b.takenAt)[0];
  }

  private async send(shot: Shot, token: string): Promise<void> {
    const bytes = await this.store.readBytes(shot.id);
    if (bytes === undefined) throw new Problem(410, "field.bytes_missing", "the bytes are not in the database");
    const client = new Client(token, () => undefined);
    const mediaId = (await this.upload(shot, bytes, token)) ?? (await askForMedium(this.store, client, shot.id));
    const medium = await client.get<SentMedium>(makePath("media", mediaId));
    if (shot.sha256 !== null && medium.sha256 !== shot.sha256) {
      await this.store.change(shot.id, { uploadUrl: null });
      throw new Problem(0, "field.damaged", "what arrived is not what was sent");
    }
    await this.store.accept(shot.id, {
      mediaId: medium.id,
      status: medium.status,
      grade: medium.evidence.grade,
      checks: medium.checks,
    });
    this.tell(shot.id, null);
  }

  /** The id of the medium, where the last answer said it. */
  private upload(shot: Shot, bytes: ArrayBuffer, token: string): Promise<string | null> {
    return new Promise((settle, reject) => {
      let heard = Date.now();
      const end = (finish: () => void): void => {
        clearInterval(watch);
        this.running = this.stop = null;
        finish();
      };
      const upload = new Upload(new Blob([bytes], { type: shot.type }), {
        // A begun upload goes on at its own address; were the other given too, a passing failure would begin a second.
        ...(shot.uploadUrl === null ? { endpoint: makePath("uploads") } : { uploadUrl: shot.uploadUrl }),
        headers: { Authorization: `Bearer ${token}` },
        metadata: { project_id: shot.projectId, filename: shot.fileName, capture: shot.capture },
        chunkSize: PIECE_BYTES,
        retryDelays: null,
        storeFingerprintForResuming: false,
        onUploadUrlAvailable: () => {
          heard = Date.now();
          void this.store.change(shot.id, { uploadUrl: upload.url });
        },
        onProgress: (sent) => {
          heard = Date.now();
          this.tell(shot.id, sent);
        },
        onSuccess: ({ lastResponse }) => end(() => settle(lastResponse.getHeader("Siteproof-Media-Id") ?? null)),
        onError: (error) => end(() => reject(error)),
      });
      this.running = upload;
      this.stop = (problem) => {
        void this.running?.abort();
        end(() => reject(problem));
      };
      const watch = setInterval(() => {
        if (Date.now() - heard > STALLED_MS) this.stop?.(new Problem(0, "network.stalled", "no answer"));
      }, 5_000);
      upload.start();
    });
  }

  private async fail(shot: Shot, problem: Problem): Promise<void> {
    this.tell(shot.id, null);
    this.failures += 1;
    const change: Partial<Shot> = { attempts: shot.attempts + 1, problem: problem.code };
    if (isPassing(problem)) {
      this.connection.value = problem.status === 401 ? "refused_token" : "waiting";
      if (problem.status === 401) this.token = null;
      // Gone with its time, or another token's: the file is sent from its beginning.
      const isGone = shot.uploadUrl !== null && (problem.status === 404 || problem.status === 410);
      await this.store.change(shot.id, isGone ? { ...change, uploadUrl: null } : change);
    } else {
      this.failures = 0;
      await this.store.change(shot.id, { ...change, state: "refused", uploadUrl: null });
    }
  }

  private tell(id: string, sent: number | null): void {
    const next = new Map(this.progress.value);
    if (sent === null) next.delete(id);
    else next.set(id, sent);
    this.progress.value = next;
  }

  private pause(longest_ms: number): Promise<void> {
    return new Promise((done) => {
      const timer = setTimeout(done, longest_ms);
      this.wake = () => {
        clearTimeout(timer);
        done();
      };
    });
  }
}

/** Twice as long after each failure, and never in step with other phones. [ms] */
export function pauseAfter(failures: number, chance: number = Math.random()): number {
  return Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(failures - 1, 10)) * (0.5 + chance / 2);
}

/** Whether trying again can help, so that the photo is not put before a person. */
export function isPassing(problem: Problem): boolean {
  if (problem.code === "media.client_id_taken") return false;
  return PASSING.has(problem.status) || problem.status >= 500 || PASSING_CODES.has(problem.code);
}

async function askForMedium(store: Store, client: Client, id: string): Promise<string> {
  const shot = await store.change(id, {});
  if (shot?.uploadUrl == null) throw new Problem(0, "upload.not_found", "no address");
  const view = await client.get<{ readonly media_id: string | null }>(new URL(shot.uploadUrl, location.href).pathname);
  if (view.media_id === null) throw new Problem(0, "upload.unfinished", "not taken in yet");
  return view.media_id;
}

function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (!(error instanceof DetailedError)) return new Problem(0, "field.failed", String(error));
  const response = error.originalResponse;
  if (response == null) return new Problem(0, "network.unreachable", "no answer");
  const status = response.getStatus();
  try {
    const body = JSON.parse(response.getBody()) as { code?: unknown };
    if (typeof body.code === "string") return new Problem(status, body.code, "");
  } catch {
    // A proxy's page, or the empty answer to HEAD.
  }
  // HEAD has no body: an upload that is not there is told by its status alone.
  return new Problem(status, status === 404 || status === 410 ? "upload.not_found" : `http.${status}`, "");
}
