// The annotated preview of a medium, loaded when it comes near the window, with this finding's own box on top.

import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import { isAbort, Problem } from "./client";
import { t } from "./language";
import { isPending, type Site } from "./site";
import type { Box, Medium } from "./wire";

/** Whether the element is within a window's height of the window. */
export function useNear(ref: RefObject<Element | null>): boolean {
  const [near, setNear] = useState(false);
  useEffect(() => {
    if (!ref.current) return;
    const observer = new IntersectionObserver((entries) => setNear(entries.at(-1)?.isIntersecting ?? false), {
      rootMargin: "800px 0px",
    });
    observer.observe(ref.current);
    return () => observer.disconnect();
  }, [ref]);
  return near;
}

type Shown = { readonly url: string } | { readonly failed: true } | null;

function usePreview(site: Site, mediaId: string, { annotated, wanted }: { annotated: boolean; wanted: boolean }): Shown {
  const [shown, setShown] = useState<Shown>(null);
  useEffect(() => {
    setShown(null);
    if (!wanted) return;
    let current = true;
    site.pictures
      .acquire(mediaId, annotated)
      .then((url) => current && setShown({ url }))
      .catch((error: unknown) => current && !isAbort(error) && setShown({ failed: true }));
    return () => {
      current = false;
      site.pictures.release(mediaId, annotated);
    };
  }, [site, mediaId, annotated, wanted]);
  return shown;
}

interface PictureProps {
  readonly site: Site;
  readonly mediaId: string;
  readonly medium: Medium | Problem | null;
  readonly title: string;
  readonly box: Box | null;
  readonly near: boolean;
  readonly annotated: boolean;
}

export function Picture({ site, mediaId, medium, title, box, near, annotated }: PictureProps) {
  const isReady = medium !== null && !(medium instanceof Problem) && !isPending(medium.status);
  const shown = usePreview(site, mediaId, { annotated, wanted: near && isReady });
  if (shown && "url" in shown) {
    return (
      <>
        <img class="picture-image" src={shown.url} alt={t("picture.alt", { title })} />
        {annotated && <Mark medium={medium} box={box} />}
      </>
    );
  }
  const isBusy = !isReady && !(medium instanceof Problem);
  return (
    <span class={`picture-wait${isBusy ? " is-busy" : ""}`}>{t(shown ? sayFailure(medium) : sayWait(medium))}</span>
  );
}

function Mark({ medium, box }: { medium: Medium | Problem | null; box: Box | null }) {
  if (box === null || medium === null || medium instanceof Problem || !medium.width_px || !medium.height_px) return null;
  const [left, top, right, bottom] = box;
  return (
    <svg class="picture-mark" viewBox={`0 0 ${medium.width_px} ${medium.height_px}`} aria-hidden="true">
      <rect x={left} y={top} width={right - left} height={bottom - top} vector-effect="non-scaling-stroke" />
    </svg>
  );
}

function sayWait(medium: Medium | Problem | null) {
  if (medium instanceof Problem) return "picture.none";
  if (medium?.status === "received") return "picture.waiting";
  if (medium?.status === "analysing") return "picture.analysing";
  return "picture.loading";
}

function sayFailure(medium: Medium | Problem | null) {
  return medium !== null && !(medium instanceof Problem) && medium.status === "failed" ? "picture.failed" : "picture.none";
}

/** The medium of a finding, asked for when the card is near; null before. */
export function useMedium(site: Site, mediaId: string | null, near: boolean): Medium | Problem | null {
  const asked = useRef(false);
  if (near) asked.current = true;
  return mediaId !== null && asked.current ? site.readMedium(mediaId).value : null;
}
