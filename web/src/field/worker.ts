// The service worker of the phone page: keeps the page's own files, so that it opens with no network. Photos are not its
// business: they lie in the page's database.

interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Extendable {
  readonly request: Request;
  respondWith(answer: Promise<Response>): void;
}
interface Scope extends EventTarget {
  readonly location: Location;
  readonly clients: { claim(): Promise<void> };
  skipWaiting(): Promise<void>;
}

declare const __FIELD_FILES__: { readonly version: string; readonly files: readonly string[] };

const scope = globalThis as unknown as Scope;
const { version, files } = __FIELD_FILES__;
const CACHE = `siteproof-field-${version}`;
const PAGE = "/field";
const KEPT = [PAGE, "/field.webmanifest", ...files];

scope.addEventListener("install", (event) => {
  // Whole or not at all: half of a page would be worse than the last one.
  (event as Extendable).waitUntil(
    caches
      .open(CACHE)
      .then((cache) => cache.addAll(KEPT.map((file) => new Request(file, { cache: "reload" }))))
      .then(() => scope.skipWaiting()),
  );
});

scope.addEventListener("activate", (event) => {
  (event as Extendable).waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter(isOld).map((name) => caches.delete(name))))
      .then(() => scope.clients.claim()),
  );
});

scope.addEventListener("fetch", (event) => {
  const fetching = event as Fetching;
  const { pathname, origin } = new URL(fetching.request.url);
  if (fetching.request.method !== "GET" || origin !== scope.location.origin || !KEPT.includes(pathname)) return;
  fetching.respondWith(
    caches
      .open(CACHE)
      .then((cache) => cache.match(pathname))
      .then((kept) => kept ?? fetch(fetching.request)),
  );
});

function isOld(name: string): boolean {
  return name.startsWith("siteproof-field-") && name !== CACHE;
}
