// The token: given in the address once, or typed, and kept no longer than the tab.

const KEPT_AS = "siteproof.token";

/** The token in an address's fragment, `#token=...`; null where there is none. */
export function readTokenOfHash(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#/, "")).get("token")?.trim();
  return token ? token : null;
}

/** The session's token. One in the address counts, is kept, and is taken out of the address and its history. */
export function takeToken(): string | null {
  const given = readTokenOfHash(location.hash);
  if (given === null) return sessionStorage.getItem(KEPT_AS);
  history.replaceState(null, "", location.pathname + location.search);
  sessionStorage.setItem(KEPT_AS, given);
  return given;
}

export function keepToken(token: string): void {
  sessionStorage.setItem(KEPT_AS, token);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEPT_AS);
}
