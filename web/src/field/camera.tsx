// The camera in the page, and the phone's own as a second way.

import { useEffect, useRef, useState } from "preact/hooks";

import type { Desk } from "./desk";
import { askForBearing, bearing, fix } from "./sensing";
import { freshFix, momentOfFile, takeStill, type Moment } from "./shutter";
import { w } from "./words";

function momentNow(): Moment {
  const now = Date.now();
  return { takenAt: now, fix: freshFix(fix.value, now), bearing_deg: bearing.value, monotonic_ms: performance.now() };
}

export function Camera({ desk }: { desk: Desk }) {
  const video = useRef<HTMLVideoElement>(null);
  const [stream, setStream] = useState<MediaStream | null>(null);
  const [denied, setDenied] = useState(false);
  const [ready, setReady] = useState(false);
  const [busy, setBusy] = useState(false);
  const mayOpen = "mediaDevices" in navigator;

  useEffect(() => {
    if (video.current) video.current.srcObject = stream;
    return () => {
      setReady(false);
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, [stream]);

  const open = async (): Promise<void> => {
    void askForBearing();
    try {
      const wanted = { facingMode: { ideal: "environment" }, width: { ideal: 4096 }, height: { ideal: 3072 } };
      setStream(await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false }));
      setDenied(false);
    } catch {
      setDenied(true);
    }
  };
  const shoot = async (): Promise<void> => {
    const track = stream?.getVideoTracks()[0];
    if (!video.current || !track || busy) return;
    setBusy(true);
    // Where and when the shutter was pressed, not where the phone is when the picture is ready.
    const moment = momentNow();
    try {
      await desk.shoot(await takeStill(video.current, track), moment, "camera");
    } catch {
      desk.saved.value = "failed";
    }
    setBusy(false);
  };
  return (
    <section class={stream ? "camera is-open" : "camera"}>
      {stream ? (
        <div class="finder">
          <video
            ref={video}
            class="finder-picture"
            autoplay
            playsInline
            muted
            aria-label={w("camera.preview")}
            onLoadedData={() => setReady(true)}
          />
          <div class="finder-bar">
            <Saved desk={desk} />
            <div class="finder-keys">
            <button type="button" class="button is-small" onClick={() => setStream(null)}>
              {w("camera.close")}
            </button>
            <button
              type="button"
              class="shutter"
              disabled={busy || !ready}
              aria-label={w("camera.shoot")}
              onClick={() => void shoot()}
            >
              <span class="shutter-eye" />
            </button>
            <FileKey desk={desk} word="camera.album" />
            </div>
          </div>
        </div>
      ) : (
        <div class="openers">
          {mayOpen && (
            <button type="button" class="button is-strong" onClick={() => void open()}>
              {w("camera.open")}
            </button>
          )}
          <FileKey desk={desk} word="camera.file" />
          <Saved desk={desk} />
        </div>
      )}
      {denied && <p class="notice is-bad" role="alert">{w("camera.denied")}</p>}
    </section>
  );
}

function FileKey({ desk, word }: { desk: Desk; word: "camera.file" | "camera.album" }) {
  const take = async (input: HTMLInputElement): Promise<void> => {
    const now = momentNow();
    for (const file of [...(input.files ?? [])]) await desk.shoot(file, momentOfFile(file, now), "file");
    input.value = "";
  };
  return (
    <label class="button file-key">
      {w(word)}
      <input
        class="unseen"
        type="file"
        accept="image/jpeg,image/png,image/webp,image/heic,video/mp4"
        capture="environment"
        multiple
        onChange={(event) => void take(event.currentTarget)}
      />
    </label>
  );
}

function Saved({ desk }: { desk: Desk }) {
  const state = desk.saved.value;
  const unsaved = desk.unsaved.value;
  return (
    <div class="saved" role="status" aria-live="assertive">
      {state !== null && <p class={`notice ${state === "full" || state === "failed" ? "is-bad" : "is-good"}`}>{w(`shot.${state}`)}</p>}
      {unsaved && (
        <button type="button" class="button" onClick={() => keepOnPhone(unsaved.picture, () => (desk.unsaved.value = null))}>
          {w("shot.keep")}
        </button>
      )}
    </div>
  );
}

/** Hand the picture to the phone's downloads. */
export function keepOnPhone(picture: Blob, done: () => void = () => undefined): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(picture);
  link.download = `siteproof-${Date.now()}.${picture.type.split("/")[1] ?? "jpg"}`;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  done();
}
