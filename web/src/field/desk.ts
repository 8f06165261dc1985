// What the page shows and does: signals over the database, the library of projects and the sender.

import { computed, effect, signal } from "@preact/signals";

import { Client, makePath, Problem } from "../client";
import type { Medium } from "../wire";
import { placeFix } from "./ground";
import { readProjects } from "./library";
import { fix } from "./sensing";
import { Sender } from "./sender";
import type { FieldMilestone, FieldProject, Shot } from "./shape";
import { makeShot, type Moment } from "./shutter";
import { say, voice } from "./speech";
import { isFull, type Store } from "./store";

const LOW_BYTES = 300 * 1024 * 1024;
const LOOK_AGAIN_MS = 20_000;
const MAX_LOOKED_AT = 10;

export type Saved = "saving" | "saved" | "full" | "failed";

/** A picture that could not be kept: offered to the person, because nobody else has it. */
export interface Unsaved {
  readonly picture: Blob;
  readonly why: "full" | "failed";
}

export class Desk {
  readonly token = signal<string | null>(null);
  readonly tokenRefused = signal(false);
  readonly online = signal(navigator.onLine);
  readonly projects = signal<readonly FieldProject[]>([]);
  readonly projectId = signal<string | null>(null);
  readonly milestoneId = signal<string | null>(null);
  readonly shots = signal<readonly Shot[]>([]);
  readonly saved = signal<Saved | null>(null);
  readonly unsaved = signal<Unsaved | null>(null);
  /** What is left on the phone where that is little. [B] */
  readonly low = signal<number | null>(null);
  readonly persisted = signal(true);
  readonly sender: Sender;

  readonly project = computed<FieldProject | null>(
    () => this.projects.value.find((each) => each.id === this.projectId.value) ?? null,
  );
  readonly milestone = computed<FieldMilestone | null>(
    () => this.project.value?.milestones.find((each) => each.id === this.milestoneId.value) ?? null,
  );
  readonly waiting = computed(() => this.shots.value.filter((shot) => shot.state === "waiting").length);

  constructor(private readonly store: Store) {
    this.sender = new Sender(store, () => this.reload());
  }

  async start(given: string | null): Promise<void> {
    await this.remember();
    if (given !== null) await this.store.keep("token", given);
    this.token.value = given ?? (await this.store.getKept<string>("token"));
    await this.reload();
    this.listen();
    this.sender.start();
    this.sender.use(this.token.value);
    void this.refresh();
    setInterval(() => void this.lookAgain(), LOOK_AGAIN_MS);
  }

  async signIn(token: string): Promise<void> {
    await this.store.keep("token", token);
    this.tokenRefused.value = false;
    this.token.value = token;
    this.sender.use(token);
    await this.refresh();
  }

  /** The photos stay, and go on when somebody signs in again. */
  async signOut(): Promise<void> {
    await this.store.keep("token", null);
    this.token.value = null;
    this.sender.use(null);
  }

  async choose(projectId: string, milestoneId: string | null): Promise<void> {
    this.projectId.value = projectId;
    this.milestoneId.value = milestoneId;
    await Promise.all([this.store.keep("project", projectId), this.store.keep("milestone", milestoneId)]);
  }

  async setVoice(on: boolean): Promise<void> {
    voice.value = on;
    await this.store.keep("voice", on);
  }

  /** Says "saved" only when the bytes are in the database, on the disk. */
  async shoot(picture: Blob, moment: Moment, source: "camera" | "file"): Promise<boolean> {
    const projectId = this.projectId.value;
    if (projectId === null) return false;
    this.saved.value = "saving";
    try {
      const { shot, bytes } = await makeShot(picture, moment, { projectId, milestoneId: this.milestoneId.value }, source);
      await this.store.add(shot, bytes);
    } catch (error) {
      const why = isFull(error) ? "full" : "failed";
      this.saved.value = why;
      this.unsaved.value = { picture, why };
      say("say.full");
      return false;
    }
    this.saved.value = "saved";
    say("say.saved");
    // Felt through a glove, where it cannot be heard.
    (navigator as { vibrate?: (ms: number) => boolean }).vibrate?.(60);
    await this.reload();
    this.sender.hurry();
    void this.measureRoom();
    return true;
  }

  async tryAgain(shot: Shot): Promise<void> {
    await this.store.change(shot.id, { state: "waiting", problem: null, attempts: 0 });
    await this.reload();
    this.sender.hurry();
  }

  async throwAway(shot: Shot): Promise<void> {
    await this.store.remove(shot.id);
    await this.reload();
  }

  async readPicture(shot: Shot): Promise<Blob | null> {
    const bytes = await this.store.readBytes(shot.id);
    return bytes === undefined ? null : new Blob([bytes], { type: shot.type });
  }

  /** Read the lists anew where there is a network; without one the kept ones stay. */
  async refresh(): Promise<void> {
    const token = this.token.value;
    if (token === null) return;
    try {
      const projects = await readProjects(new Client(token, () => this.refuseToken()));
      this.projects.value = projects;
      await this.store.keep("projects", projects);
      this.chooseDefault();
    } catch (error) {
      // Unreachable, or a server in trouble: the kept lists are good, and the next occasion comes.
      if (!(error instanceof Problem)) throw error;
    }
  }

  private async remember(): Promise<void> {
    const [projects, projectId, milestoneId, heard] = await Promise.all([
      this.store.listProjects(),
      this.store.getKept<string>("project"),
      this.store.getKept<string>("milestone"),
      this.store.getKept<boolean>("voice"),
    ]);
    this.projects.value = projects ?? [];
    this.projectId.value = projectId;
    this.milestoneId.value = milestoneId;
    voice.value = heard ?? true;
    this.chooseDefault();
  }

  private chooseDefault(): void {
    if (this.project.value === null) {
      this.projectId.value = this.projects.value[0]?.id ?? null;
      this.milestoneId.value = null;
    }
    if (this.milestone.value === null) this.milestoneId.value = this.project.value?.milestones[0]?.id ?? null;
  }

  private async reload(): Promise<void> {
    const before = this.shots.value;
    this.shots.value = await this.store.list();
    const count = (shots: readonly Shot[], state: Shot["state"]): number => shots.filter((each) => each.state === state).length;
    if (count(this.shots.value, "refused") > count(before, "refused")) say("say.refused");
    else if (count(before, "waiting") > 0 && this.waiting.value === 0) {
      say("say.sent");
      void this.refresh();
    }
  }

  private listen(): void {
    addEventListener("online", () => {
      this.online.value = true;
      void this.refresh();
    });
    addEventListener("offline", () => {
      this.online.value = false;
    });
    effect(() => {
      if (this.sender.connection.value === "refused_token") this.refuseToken();
    });
    this.announcePlace();
    void this.askToKeep();
    void this.measureRoom();
  }

  private refuseToken(): void {
    this.tokenRefused.value = true;
    this.token.value = null;
    this.sender.use(null);
  }

  /** Said when it changes, and not while it cannot be told. */
  private announcePlace(): void {
    let said: "inside" | "outside" | null = null;
    effect(() => {
      const boundary = this.project.value?.boundary;
      if (fix.value === null || !boundary) return;
      const { side } = placeFix(fix.value, boundary);
      if (side === "cannot_tell" || side === said) return;
      if (side === "outside" || said !== null) say(side === "inside" ? "say.inside" : "say.outside");
      said = side;
    });
  }

  private async askToKeep(): Promise<void> {
    const storage = (navigator as { storage?: StorageManager }).storage;
    this.persisted.value = (await storage?.persist?.()) ?? false;
  }

  private async measureRoom(): Promise<void> {
    const storage = (navigator as { storage?: StorageManager }).storage;
    const { quota, usage } = (await storage?.estimate?.()) ?? {};
    const left = quota === undefined || usage === undefined ? null : quota - usage;
    this.low.value = left !== null && left < LOW_BYTES ? left : null;
  }

  /** What the analysis said since: of the newest that it had not finished. */
  private async lookAgain(): Promise<void> {
    const token = this.token.value;
    if (token === null || document.visibilityState !== "visible") return;
    const open = this.shots.value.filter((shot) => shot.state === "accepted" && shot.status !== "analysed" && shot.status !== "failed");
    try {
      for (const shot of open.slice(0, MAX_LOOKED_AT)) {
        if (shot.mediaId === null) continue;
        const medium = await new Client(token, () => this.refuseToken()).get<Medium>(makePath("media", shot.mediaId));
        const change = { status: medium.status, grade: medium.evidence.grade, checks: medium.checks };
        if (medium.status !== shot.status) await this.store.change(shot.id, change);
      }
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
    }
    if (open.length > 0) await this.reload();
  }
}
