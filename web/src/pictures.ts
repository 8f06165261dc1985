// Previews as object URLs: fetched with the token, shared by the cards that show the same one, revoked when long unused.

import type { Client } from "./client";
import { makePath } from "./client";
import { Lane } from "./lane";

interface Entry {
  readonly url: Promise<string>;
  readonly stop: AbortController;
  users: number;
}

const KEPT_UNUSED = 60;

export class Pictures {
  // In the order of their last use, because a Map keeps the order of insertion.
  private readonly entries = new Map<string, Entry>();

  constructor(
    private readonly client: Client,
    private readonly lane: Lane,
  ) {}

  /** The preview's object URL; give it back with `release` and the same arguments. */
  acquire(mediaId: string, annotated: boolean): Promise<string> {
    const key = makeKey(mediaId, annotated);
    const entry = this.entries.get(key) ?? this.fetch(mediaId, annotated);
    entry.users += 1;
    this.entries.delete(key);
    this.entries.set(key, entry);
    // What failed is asked anew by the next one.
    entry.url.catch(() => this.entries.get(key) === entry && this.entries.delete(key));
    return entry.url;
  }

  release(mediaId: string, annotated: boolean): void {
    const entry = this.entries.get(makeKey(mediaId, annotated));
    if (!entry) return;
    entry.users = Math.max(0, entry.users - 1);
    this.trim(KEPT_UNUSED);
  }

  close(): void {
    for (const entry of this.entries.values()) entry.users = 0;
    this.trim(0);
  }

  private fetch(mediaId: string, annotated: boolean): Entry {
    const stop = new AbortController();
    const url = this.lane.run(async () => {
      const blob = await this.client.getBlob(makePath("media", mediaId, "preview"), { annotated }, stop.signal);
      return URL.createObjectURL(blob);
    }, stop.signal);
    return { url, stop, users: 0 };
  }

  private trim(kept: number): void {
    const unused = [...this.entries].filter(([, entry]) => entry.users === 0);
    for (const [key, entry] of unused.slice(0, Math.max(0, unused.length - kept))) {
      this.entries.delete(key);
      entry.stop.abort();
      entry.url.then((url) => URL.revokeObjectURL(url)).catch(() => undefined);
    }
  }
}

function makeKey(mediaId: string, annotated: boolean): string {
  return `${mediaId} ${annotated ? "annotated" : "plain"}`;
}
