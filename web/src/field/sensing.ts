// Where the phone is and which way it looks, as its browser says; null where it does not say.

import { signal } from "@preact/signals";

import type { Fix } from "./shape";

export type Sight = "asking" | "seen" | "denied" | "lost" | "missing";

export const fix = signal<Fix | null>(null);
export const sight = signal<Sight>("asking");
/** From north, clockwise. [deg] */
export const bearing = signal<number | null>(null);

/** An older fix says where the phone was, not where the photo was taken. [ms] */
export const STALE_MS = 30_000;
const ASK_EVERY_MS = 10_000;

export function startSensing(): void {
  watchPosition();
  addEventListener("deviceorientationabsolute" as "deviceorientation", turn);
  addEventListener("deviceorientation", turn);
}

/** iOS asks the person, and only when a button was pressed. */
export async function askForBearing(): Promise<void> {
  const orientation = (globalThis as { DeviceOrientationEvent?: { requestPermission?: () => Promise<string> } })
    .DeviceOrientationEvent;
  await orientation?.requestPermission?.().catch(() => "denied");
}

function watchPosition(): void {
  const { geolocation } = navigator as { geolocation?: Geolocation };
  if (geolocation === undefined || !isSecureContext) {
    sight.value = "missing";
    return;
  }
  const options = { enableHighAccuracy: true, maximumAge: 2_000, timeout: 20_000 };
  geolocation.watchPosition(see, miss, options);
  // A watch tells of movement; who stands still would soon have an old fix.
  setInterval(() => {
    if (document.visibilityState === "visible") geolocation.getCurrentPosition(see, miss, options);
  }, ASK_EVERY_MS);
}

function see({ coords, timestamp }: GeolocationPosition): void {
  fix.value = {
    lon: coords.longitude,
    lat: coords.latitude,
    accuracy_m: coords.accuracy,
    altitude_m: coords.altitude,
    at_ms: timestamp,
  };
  sight.value = "seen";
}

function miss(error: GeolocationPositionError): void {
  if (error.code === error.PERMISSION_DENIED) sight.value = "denied";
  // One question without an answer is nothing while the last answer is young.
  else if (fix.value === null || Date.now() - fix.value.at_ms > STALE_MS) sight.value = "lost";
}

function turn(event: DeviceOrientationEvent & { webkitCompassHeading?: number }): void {
  if (typeof event.webkitCompassHeading === "number") bearing.value = event.webkitCompassHeading;
  else if (event.absolute && event.alpha !== null && event.beta !== null && event.gamma !== null) {
    bearing.value = lookingAt(event.alpha, event.beta, event.gamma);
  }
}

/**
 * Which way the back camera looks: the direction of the device's -z axis over the ground (W3C Device Orientation, A.1).
 * All in degrees; null where the phone lies flat and looks nowhere.
 */
export function lookingAt(alpha: number, beta: number, gamma: number): number | null {
  const [a, b, c] = [alpha, beta, gamma].map((angle) => (angle * Math.PI) / 180) as [number, number, number];
  const east = -Math.cos(a) * Math.sin(c) - Math.sin(a) * Math.sin(b) * Math.cos(c);
  const north = -Math.sin(a) * Math.sin(c) + Math.cos(a) * Math.sin(b) * Math.cos(c);
  if (Math.hypot(east, north) < 0.2) return null;
  return ((Math.atan2(east, north) * 180) / Math.PI + 360) % 360;
}
