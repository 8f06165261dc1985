// The phone's own database: shots and their bytes, and what is kept for days without network.

import { openDB, type DBSchema, type IDBPDatabase } from "idb";

import type { FieldProject, Shot } from "./shape";

interface Schema extends DBSchema {
  shots: { key: string; value: Shot };
  /** Apart from the shots, so that listing them reads no pictures. */
  bytes: { key: string; value: ArrayBuffer };
  kept: { key: string; value: unknown };
}

export function isFull(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}

/** How many shots that have arrived are listed; older ones are on the server alone. */
const MAX_ACCEPTED = 200;
// The answer comes only when the bytes are on the disk, not in a buffer that a flat battery would empty.
const STRICT = { durability: "strict" } as const;

export class Store {
  private constructor(private readonly database: IDBPDatabase<Schema>) {}

  static async open(): Promise<Store> {
    const database = await openDB<Schema>("siteproof-field", 1, {
      upgrade(fresh) {
        fresh.createObjectStore("shots", { keyPath: "id" });
        fresh.createObjectStore("bytes");
        fresh.createObjectStore("kept");
      },
      // The browser dropped the connection (iOS does so in the background); the page comes back as it was.
      terminated: () => location.reload(),
    });
    return new Store(database);
  }

  /** Both or neither; throws `QuotaExceededError` where the phone is full. */
  async add(shot: Shot, bytes: ArrayBuffer): Promise<void> {
    const transaction = this.database.transaction(["shots", "bytes"], "readwrite", STRICT);
    await Promise.all([
      transaction.objectStore("shots").add(shot),
      transaction.objectStore("bytes").add(bytes, shot.id),
      transaction.done,
    ]);
  }

  /** Newest first. */
  async list(): Promise<Shot[]> {
    return (await this.database.getAll("shots")).sort((a, b) => b.takenAt - a.takenAt);
  }

  async readBytes(id: string): Promise<ArrayBuffer | undefined> {
    return this.database.get("bytes", id);
  }

  /** Change what is known of a shot; null where it is gone. */
  async change(id: string, change: Partial<Shot>): Promise<Shot | null> {
    const transaction = this.database.transaction("shots", "readwrite");
    const shot = await transaction.store.get(id);
    const changed = shot === undefined ? null : { ...shot, ...change };
    if (changed !== null) await transaction.store.put(changed);
    await transaction.done;
    return changed;
  }

  /** The server has it: only now its bytes go. */
  async accept(id: string, change: Partial<Shot>): Promise<void> {
    const transaction = this.database.transaction(["shots", "bytes"], "readwrite", STRICT);
    const shots = transaction.objectStore("shots");
    const shot = await shots.get(id);
    if (shot !== undefined) await shots.put({ ...shot, ...change, state: "accepted", problem: null });
    await transaction.objectStore("bytes").delete(id);
    await transaction.done;
    await this.forgetOldest();
  }

  /** A person threw it away. */
  async remove(id: string): Promise<void> {
    const transaction = this.database.transaction(["shots", "bytes"], "readwrite", STRICT);
    await transaction.objectStore("shots").delete(id);
    await transaction.objectStore("bytes").delete(id);
    await transaction.done;
  }

  async getKept<T>(key: string): Promise<T | null> {
    return ((await this.database.get("kept", key)) as T | undefined) ?? null;
  }

  async keep(key: "token" | "project" | "milestone" | "voice" | "projects", value: unknown): Promise<void> {
    try {
      await this.database.put("kept", value, key);
    } catch (error) {
      // A full phone forgets the lists when the page is closed, and works until then.
      if (!isFull(error)) throw error;
    }
  }

  listProjects(): Promise<readonly FieldProject[] | null> {
    return this.getKept<readonly FieldProject[]>("projects");
  }

  private async forgetOldest(): Promise<void> {
    const accepted = (await this.list()).filter((shot) => shot.state === "accepted");
    for (const shot of accepted.slice(MAX_ACCEPTED)) await this.database.delete("shots", shot.id);
  }
}
