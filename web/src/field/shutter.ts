// From the shutter to the database: the picture's bytes, what the phone knew at that moment, and the hash of it all.

import { STALE_MS } from "./sensing";
import type { Fix, Shot } from "./shape";

const THUMBNAIL_PX = 144;
/** A file that is younger than this was taken here and now, so the phone's place is its place. [ms] */
const FRESH_MS = 120_000;
const JPEG_QUALITY = 0.92;
const PATIENCE_MS = 5_000;
// So that two shots can be set in order although somebody changed the phone's clock between them.
const SESSION = makeUuid();

export interface Moment {
  /** Epoch; null for a picture that is older than this page can vouch for. [ms] */
  readonly takenAt: number | null;
  readonly fix: Fix | null;
  readonly bearing_deg: number | null;
  /** On the clock that nobody can set, since the page was opened. [ms] */
  readonly monotonic_ms: number;
}

interface StillCamera {
  takePhoto(): Promise<Blob>;
}

/** The camera's own still where the browser gives it, else the video's frame. */
export async function takeStill(video: HTMLVideoElement, track: MediaStreamTrack): Promise<Blob> {
  const make = (globalThis as { ImageCapture?: new (track: MediaStreamTrack) => StillCamera }).ImageCapture;
  if (make !== undefined) {
    try {
      const still = await Promise.race([new make(track).takePhoto(), giveUp()]);
      if (still.size > 0) return still;
    } catch {
      // Many cameras promise stills and fail; the frame is there in any case.
    }
  }
  return grabFrame(video);
}

function giveUp(): Promise<never> {
  return new Promise((_, reject) => setTimeout(() => reject(new Error("no still")), PATIENCE_MS));
}

async function grabFrame(video: HTMLVideoElement): Promise<Blob> {
  const canvas = document.createElement("canvas");
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  canvas.getContext("2d")?.drawImage(video, 0, 0);
  return new Promise((done, reject) => {
    canvas.toBlob((blob) => (blob ? done(blob) : reject(new Error("no frame"))), "image/jpeg", JPEG_QUALITY);
  });
}

/** What a chosen file can say of its moment: a picture from the album says nothing of here and now. */
export function momentOfFile(file: File, now: Moment): Moment {
  const isFresh = Math.abs(Date.now() - file.lastModified) < FRESH_MS;
  return isFresh ? { ...now, takenAt: file.lastModified } : { ...now, takenAt: null, fix: null, bearing_deg: null };
}

export async function makeShot(
  picture: Blob,
  moment: Moment,
  target: { readonly projectId: string; readonly milestoneId: string | null },
  source: "camera" | "file",
): Promise<{ shot: Shot; bytes: ArrayBuffer }> {
  const bytes = await picture.arrayBuffer();
  const id = makeUuid();
  const { fix } = moment;
  const shot: Shot = {
    id,
    ...target,
    takenAt: moment.takenAt ?? Date.now(),
    fileName: picture instanceof File ? picture.name : `${id}.${picture.type.split("/")[1] ?? "jpg"}`,
    type: picture.type,
    size: bytes.byteLength,
    sha256: await hash(bytes),
    capture: JSON.stringify(makeCapture(id, moment, target.milestoneId, source)),
    lon: fix?.lon ?? null,
    lat: fix?.lat ?? null,
    thumbnail: await makeThumbnail(picture),
    state: "waiting",
    uploadUrl: null,
    attempts: 0,
    problem: null,
    mediaId: null,
    status: null,
    grade: null,
    checks: [],
  };
  return { shot, bytes };
}

/** The `capture` of the contract, and beside it what may help to judge it later. */
export function makeCapture(
  id: string,
  { takenAt, fix, bearing_deg, monotonic_ms }: Moment,
  milestoneId: string | null,
  source: "camera" | "file",
): Record<string, unknown> {
  const position = fix && {
    lon: fix.lon,
    lat: fix.lat,
    accuracy_m: fix.accuracy_m,
    ...(fix.altitude_m === null ? {} : { altitude_m: fix.altitude_m }),
    ...(bearing_deg === null ? {} : { bearing_deg: Math.round(bearing_deg * 10) / 10 }),
    // The browser's interface is defined in WGS 84, also in China.
    crs: "wgs84",
    source: "browser",
  };
  return {
    client_id: id,
    ...(takenAt === null ? {} : { taken_at: new Date(takenAt).toISOString() }),
    ...(position === null ? {} : { position, position_at: new Date(fix?.at_ms ?? 0).toISOString() }),
    // A phone's compass; in China true north lies up to some ten degrees beside it.
    ...(bearing_deg === null ? {} : { bearing_from: "magnetic_north" }),
    ...(milestoneId === null ? {} : { milestone_id: milestoneId }),
    clock: { session: SESSION, monotonic_ms: Math.round(monotonic_ms) },
    taken_with: source,
  };
}

/** A fix that is too old to say where this photo was taken counts as none. */
export function freshFix(fix: Fix | null, now: number): Fix | null {
  return fix !== null && now - fix.at_ms <= STALE_MS ? fix : null;
}

/** Without TLS browsers keep `randomUUID` back, but not random numbers (RFC 9562, version 4). */
export function makeUuid(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x40;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const text = toHex(bytes);
  return [text.slice(0, 8), text.slice(8, 12), text.slice(12, 16), text.slice(16, 20), text.slice(20)].join("-");
}

async function hash(bytes: ArrayBuffer): Promise<string | null> {
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  return subtle === undefined ? null : toHex(new Uint8Array(await subtle.digest("SHA-256", bytes)));
}

function toHex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function makeThumbnail(picture: Blob): Promise<Blob | null> {
  try {
    const bitmap = await createImageBitmap(picture);
    const scale = THUMBNAIL_PX / Math.max(bitmap.width, bitmap.height);
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * scale));
    canvas.height = Math.max(1, Math.round(bitmap.height * scale));
    canvas.getContext("2d")?.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    bitmap.close();
    return await new Promise((done) => canvas.toBlob(done, "image/jpeg", 0.7));
  } catch {
    // A clip, or HEIC in a browser that cannot show it.
    return null;
  }
}
