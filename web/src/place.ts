// Which page is shown: what stands behind the `#/` of the address.

import { signal } from "@preact/signals";

export interface Place {
  readonly page: "findings" | "issues";
  /** The issue that is opened on its page. */
  readonly issueId: string | null;
}

/** The place of an address's fragment; what is no page of ours is the findings. */
export function readPlace(hash: string): Place {
  const [, page, id] = /^#\/(findings|issues)(?:\/([0-9a-f-]{36}))?$/.exec(hash) ?? [];
  return page === "issues" ? { page, issueId: id ?? null } : { page: "findings", issueId: null };
}

export function addressOfIssue(id: string): string {
  return `#/issues/${id}`;
}

export const place = signal<Place>(readPlace(""));

export function followPlace(): void {
  const follow = (): void => {
    place.value = readPlace(location.hash);
  };
  follow();
  addEventListener("hashchange", follow);
}
