/** Six figures of the chain, each with its six hours. */

import { Spark } from "../charts/Spark";
import { series, type Series } from "../derive/history";
import { count, type Format, money, percent, written } from "../format";
import { showsEpoch } from "../parts/epoch";
import { Estimate } from "../parts/Estimate";
import { WINDOW_NAMES } from "../selection";
import { shownOf, useStore } from "../store";

interface Figure {
  readonly of: Series;
  readonly label: string;
  readonly value: number | null | undefined;
  readonly as: Format;
  readonly note: string;
  readonly missing?: string;
}

function Trend({ of }: { of: Series }) {
  const history = useStore((state) => shownOf(state)?.frame.history);
  const window = useStore((state) => shownOf(state)?.frame.chain.window ?? "all");
  const what = window === "all" && of !== "p_conversion" ? "added by each minute" : "as it stood each minute";
  return <span title={`Six hours, ${what}`}>{history && <Spark line={series(history, of, window)} width={64} height={20} />}</span>;
}

function Figure({ of, label, value, as, note, missing }: Figure) {
  return (
    <dl className="figure">
      <dt>{label}</dt>
      <dd className="value"><Estimate value={value} as={as} of={of} missing={missing} /></dd>
      <dd className="more"><span>{note}</span><Trend of={of} /></dd>
    </dl>
  );
}

const CHANCE = percent(2);
const share = (part: number, whole: number) => (whole === 0 ? "–" : written(percent(1)(part / whole)));

export function Figures() {
  const of = useStore((state) => shownOf(state)?.frame.attribution);
  const window = useStore((state) => state.selection.window);
  const status = useStore((state) => state.status);
  const credited = of && of.conversions - of.untouched;
  const perJourney = of?.expected_value_per_journey;
  return (
    <section className="figures figures-ink" aria-label="Figures" ref={showsEpoch} data-component="Figures" data-status={status}>
      <Figure of="journeys" label="Journeys" value={of?.journeys} as={count} note="open ones too" />
      <Figure of="conversions" label="Conversions" value={of?.conversions} as={count} note={WINDOW_NAMES[window]} />
      <Figure of="credited" label="Credited" value={credited} as={count} note={of ? share(credited ?? 0, of.conversions) : "–"} />
      <Figure of="untouched" label="Untouched" value={of?.untouched} as={count} note={of ? `${share(of.untouched, of.conversions)}, no touch` : "–"} />
      <Figure of="p_conversion" label="P(conversion)" value={of?.p_conversion} as={CHANCE} note="of a journey" missing="no journey has ended yet" />
      <Figure of="value" label="Value" value={of?.value} as={money} note={perJourney == null ? "–" : `${written(money(perJourney))} a journey`} />
    </section>
  );
}
