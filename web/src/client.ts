// Asking the service: the bearer token, and its problem answers (RFC 9457) as errors.

import type { Page } from "./wire";

export type Query = Record<string, string | number | boolean | null | undefined>;

/** What the service refused, or 0 where it could not be reached. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
  ) {
    super(`${status} ${code}: ${detail}`);
    this.name = "Problem";
  }
}

export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === "AbortError";
}

/** The address with its query; what is null, undefined or empty is left out. */
export function makeAddress(path: string, query: Query = {}): string {
  const given = Object.entries(query).filter(([, value]) => value !== null && value !== undefined && value !== "");
  if (given.length === 0) return path;
  return `${path}?${new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString()}`;
}

/** A path of given segments, so that an id can never become another route. */
export function makePath(...segments: readonly string[]): string {
  return `/v1/${segments.map(encodeURIComponent).join("/")}`;
}

export class Client {
  constructor(
    private readonly token: string,
    private readonly onUnknownToken: () => void,
  ) {}

  async get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
    return (await this.ask(makeAddress(path, query), signal ? { signal } : {})).json() as Promise<T>;
  }

  getPage<T>(path: string, query: Query, signal?: AbortSignal): Promise<Page<T>> {
    return this.get<Page<T>>(path, query, signal);
  }

  /** With its entity tag, to send along with a change of it. */
  async getTagged<T>(path: string, signal?: AbortSignal): Promise<{ readonly value: T; readonly tag: string | null }> {
    const response = await this.ask(path, signal ? { signal } : {});
    return { value: (await response.json()) as T, tag: response.headers.get("ETag") };
  }

  /** With `tag`, the service refuses (412) where somebody changed the thing since it was read. */
  async post<T>(path: string, body: unknown, tag: string | null = null): Promise<T> {
    const headers = { "Content-Type": "application/json", ...(tag === null ? {} : { "If-Match": tag }) };
    return (await this.ask(path, { method: "POST", headers, body: JSON.stringify(body) })).json() as Promise<T>;
  }

  async getBlob(path: string, query?: Query, signal?: AbortSignal): Promise<Blob> {
    return (await this.ask(makeAddress(path, query), signal ? { signal } : {})).blob();
  }

  private async ask(address: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    headers.set("Authorization", `Bearer ${this.token}`);
    let response: Response;
    try {
      response = await fetch(address, { ...init, headers, credentials: "omit" });
    } catch (error) {
      if (isAbort(error)) throw error;
      throw new Problem(0, "network.unreachable", String(error));
    }
    if (response.ok) return response;
    if (response.status === 401) this.onUnknownToken();
    throw await readProblem(response);
  }
}

async function readProblem(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  const told = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const code = typeof told["code"] === "string" ? told["code"] : `http.${response.status}`;
  const detail = typeof told["detail"] === "string" ? told["detail"] : response.statusText;
  return new Problem(response.status, code, detail);
}
