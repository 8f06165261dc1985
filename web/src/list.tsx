// The findings, one below the other. New ones come in without moving what the inspector is looking at.

import { Component, createRef } from "preact";

import { Card } from "./card";
import { t } from "./language";
import type { Site } from "./site";
import type { Finding } from "./wire";

const STEP = 40;
/** With the list untouched for so long, at the top of the page, new findings may push it down. [ms] */
const CALM_MS = 10_000;

interface ListProps {
  readonly site: Site;
  readonly findings: readonly Finding[];
  /** Another one is another list, which begins at its top. */
  readonly listKey: string;
  readonly onEnlarge: (finding: Finding) => void;
}

interface Anchor {
  readonly id: string;
  readonly top: number;
}

interface ListState {
  readonly count: number;
  readonly above: readonly string[];
}

export class List extends Component<ListProps, ListState> {
  override state: ListState = { count: STEP, above: [] };
  private readonly end = createRef<HTMLDivElement>();
  private readonly root = createRef<HTMLDivElement>();
  private observer: IntersectionObserver | null = null;
  private touchedAt = 0;

  override componentDidMount(): void {
    this.observer = new IntersectionObserver(
      (entries) => entries.some((each) => each.isIntersecting) && this.setState(({ count }) => ({ count: count + STEP })),
      { rootMargin: "1500px 0px" },
    );
    if (this.end.current) this.observer.observe(this.end.current);
    addEventListener("scroll", this.onScroll, { passive: true });
  }

  override componentWillUnmount(): void {
    this.observer?.disconnect();
    removeEventListener("scroll", this.onScroll);
  }

  override getSnapshotBeforeUpdate(before: Readonly<ListProps>): Anchor | null {
    if (before.listKey !== this.props.listKey || before.findings === this.props.findings) return null;
    if (scrollY < 8 && Date.now() - this.touchedAt > CALM_MS) return null;
    return this.findAnchor();
  }

  override componentDidUpdate(before: Readonly<ListProps>, _state: Readonly<ListState>, anchor: Anchor | null): void {
    if (before.listKey !== this.props.listKey) {
      this.setState({ count: STEP, above: [] });
      return;
    }
    // The end comes into the window again without the observer's notice when the list has grown only a little.
    if (this.end.current && this.observer && before.findings.length !== this.props.findings.length) {
      this.observer.unobserve(this.end.current);
      this.observer.observe(this.end.current);
    }
    if (anchor) this.restore(anchor, before.findings);
  }

  private findAnchor(): Anchor | null {
    for (const card of this.root.current?.children ?? []) {
      const { top, bottom } = card.getBoundingClientRect();
      const id = card instanceof HTMLElement ? card.dataset["finding"] : undefined;
      if (id && bottom > 120) return { id, top };
    }
    return null;
  }

  private restore(anchor: Anchor, before: readonly Finding[]): void {
    const card = this.root.current?.querySelector(`[data-finding="${CSS.escape(anchor.id)}"]`);
    if (!card) return;
    const moved = card.getBoundingClientRect().top - anchor.top;
    if (moved !== 0) scrollBy({ top: moved, behavior: "instant" });
    const known = new Set(before.map((each) => each.id));
    const place = this.props.findings.findIndex((each) => each.id === anchor.id);
    const fresh = this.props.findings.slice(0, place).filter((each) => !known.has(each.id));
    if (fresh.length > 0) this.setState(({ above }) => ({ above: [...above, ...fresh.map((each) => each.id)] }));
  }

  private readonly onScroll = (): void => {
    if (scrollY < 8 && this.state.above.length > 0) this.setState({ above: [] });
  };

  private readonly onTouch = (): void => {
    this.touchedAt = Date.now();
  };

  override render({ site, findings, onEnlarge }: ListProps, { count, above }: ListState) {
    return (
      <>
        <div aria-live="polite">
          {above.length > 0 && (
            <button type="button" class="button is-dark new-above" onClick={() => scrollTo({ top: 0, behavior: "smooth" })}>
              {t("list.new", { count: above.length })}
            </button>
          )}
        </div>
        <div
          class="cards"
          ref={this.root}
          onPointerMove={this.onTouch}
          onPointerDown={this.onTouch}
          onKeyDown={this.onTouch}
          onFocusCapture={this.onTouch}
        >
          {findings.slice(0, count).map((finding) => (
            <Card key={finding.id} site={site} finding={finding} onEnlarge={onEnlarge} />
          ))}
        </div>
        <div ref={this.end} class="list-end" />
      </>
    );
  }
}
