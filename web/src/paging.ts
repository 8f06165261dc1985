// Walking a collection by its cursor.

import type { Page } from "./wire";

export interface Walk<T> {
  readonly items: T[];
  /** Whether the collection's end was reached. */
  readonly complete: boolean;
  /** The cursor of the last page that was read: asking from it again shows what has come since. */
  readonly tail: string | null;
}

/**
 * Read pages until the collection ends or `bound` items are there.
 *
 * A cursor that comes back unchanged ends the walk, because going on from it would never end.
 */
export async function walkPages<T>(
  readPage: (after: string | null) => Promise<Page<T>>,
  { bound, from = null }: { bound: number; from?: string | null },
): Promise<Walk<T>> {
  const items: T[] = [];
  let tail = from;
  for (;;) {
    const page = await readPage(tail);
    items.push(...page.items);
    if (page.next === null || page.next === tail) return { items, complete: true, tail };
    if (items.length >= bound) return { items: items.slice(0, bound), complete: false, tail };
    tail = page.next;
  }
}
