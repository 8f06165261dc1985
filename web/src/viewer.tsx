// One finding large: the picture in a dialog, with everything that is needed to decide.

import { useEffect, useRef, useState } from "preact/hooks";

import { Badges, Facts, SensorFacts, Title } from "./card";
import { Checks } from "./checks";
import { chooseText, language, t } from "./language";
import { Picture, useMedium } from "./picture";
import { Review } from "./review";
import { SensorPlot } from "./sensor-plot";
import type { Site } from "./site";
import type { Finding } from "./wire";

interface ViewerProps {
  readonly site: Site;
  readonly finding: Finding;
  readonly onStep: (step: 1 | -1) => void;
  readonly onClose: () => void;
}

export function Viewer({ site, finding, onStep, onClose }: ViewerProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [annotated, setAnnotated] = useState(true);
  const medium = useMedium(site, finding.media_id, true);
  const title = chooseText(finding.title, language.value);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.target instanceof HTMLInputElement) return;
    if (event.key === "ArrowRight" || event.key === "j") onStep(1);
    else if (event.key === "ArrowLeft" || event.key === "k") onStep(-1);
    else if (event.key in KEYED_ACTS) press(dialog.current, KEYED_ACTS[event.key as keyof typeof KEYED_ACTS]);
    else return;
    event.preventDefault();
  };
  return (
    <dialog
      ref={dialog}
      class="viewer"
      aria-labelledby={`viewer-${finding.id}`}
      onClose={onClose}
      onKeyDown={onKeyDown}
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div class="viewer-frame">
        <div class="viewer-picture">
          {finding.media_id === null ? (
            <SensorPlot key={finding.id} site={site} finding={finding} near />
          ) : (
            <Picture
              key={finding.id}
              site={site}
              mediaId={finding.media_id}
              medium={medium}
              title={title}
              box={finding.box_xyxy_px}
              near
              annotated={annotated}
            />
          )}
        </div>
        <div class="viewer-side" data-finding={finding.id} tabIndex={-1}>
          <div class="viewer-bar">
            <button type="button" class="button is-small" onClick={() => onStep(-1)}>
              ← {t("viewer.previous")}
            </button>
            <button type="button" class="button is-small" onClick={() => onStep(1)}>
              {t("viewer.next")} →
            </button>
            <button type="button" class="button is-small is-plain is-last" onClick={() => dialog.current?.close()}>
              {t("viewer.close")} ✕
            </button>
          </div>
          <p class="badges">
            <Badges finding={finding} />
          </p>
          <Title finding={finding} id={`viewer-${finding.id}`} />
          <Facts site={site} finding={finding} medium={medium} />
          <SensorFacts finding={finding} />
          <Review key={finding.id} site={site} finding={finding} />
          <Checks medium={medium} />
          {finding.media_id !== null && (
            <label class="viewer-marks">
              <input type="checkbox" checked={annotated} onChange={(event) => setAnnotated(event.currentTarget.checked)} />
              {t("viewer.marks")}
            </label>
          )}
        </div>
      </div>
    </dialog>
  );
}

/** What the keys do to a finding. */
export const KEYED_ACTS = { c: "confirm", i: "raise", d: "dismiss" } as const;

/** Press the button of an act within a card, where it is offered. */
export function press(card: Element | null | undefined, act: "confirm" | "raise" | "dismiss" | "enlarge"): void {
  card?.querySelector<HTMLButtonElement>(`[data-act="${act}"]`)?.click();
}
