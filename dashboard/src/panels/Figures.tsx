/** Six figures of the chain, each with its six hours. */

import type { ReactNode } from "react";

import { Spark } from "../charts/Spark";
import { series, type Series } from "../derive/history";
import { count, type Format, money, percent, written } from "../format";
import { Estimate } from "../parts/Estimate";
import { useShown, useStore } from "../store";

interface Figure {
  readonly of: Series;
  readonly label: string;
  readonly value: number | null | undefined;
  readonly as: Format;
  readonly note: ReactNode;
  readonly missing?: string;
}

function Figure({ of, label, value, as, note, missing }: Figure) {
  const frame = useShown()?.frame;
  const window = frame?.chain.window ?? "all";
  const what = window === "all" && of !== "p_conversion" ? "added by each minute" : "as it stood each minute";
  return (
    <dl className="figure">
      <dt>{label}</dt>
      <dd className="value"><Estimate value={value} as={as} of={of} missing={missing} /></dd>
      <dd className="more"><span>{note}</span><span title={`Six hours, ${what}`}><Spark points={series(frame?.history ?? [], of, window)} width={64} height={20} /></span></dd>
    </dl>
  );
}

const share = (part: number, whole: number) => (whole === 0 ? "–" : written(percent(1)(part / whole)));

export function Figures() {
  const shown = useShown();
  const status = useStore((state) => state.status);
  const of = shown?.frame.attribution;
  const credited = of && of.conversions - of.untouched;
  const perJourney = of?.expected_value_per_journey;
  return (
    <section className="figures figures-ink" aria-label="Figures" data-component="Figures" data-epoch={shown?.frame.epoch} data-status={status}>
      <Figure of="journeys" label="Journeys" value={of?.journeys} as={count} note="open ones too" />
      <Figure of="conversions" label="Conversions" value={of?.conversions} as={count} note="in this window" />
      <Figure of="credited" label="Credited" value={credited} as={count} note={of ? share(credited ?? 0, of.conversions) : "–"} />
      <Figure of="untouched" label="Untouched" value={of?.untouched} as={count} note={of ? `${share(of.untouched, of.conversions)}, no touch` : "–"} />
      <Figure of="p_conversion" label="P(conversion)" value={of?.p_conversion} as={percent(2)} note="of a journey" missing="no journey has ended yet" />
      <Figure of="value" label="Value" value={of?.value} as={money} note={perJourney == null ? "–" : `${written(money(perJourney))} a journey`} />
    </section>
  );
}
