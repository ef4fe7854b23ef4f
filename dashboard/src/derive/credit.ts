/** Credit by channel: the rows, the row of what nobody gets credit for, and the sums at the foot. */

import { type Channel, ratio, sum } from "../derive";
import type { Measure } from "../selection";
import type { Attribution, Credit } from "../wire";

export interface CreditRow {
  readonly channel: Channel;
  readonly credit: number | null;
  readonly share: number | null;
  readonly effect: number | null;
}
export interface CreditTable {
  readonly rows: readonly CreditRow[];
  readonly untouched: number;
  readonly untouched_share: number | null;
  /** What all rows and `untouched` add up to, and what they must add up to. */
  readonly sum: number | null;
  readonly total: number;
}

const creditOf = (credit: Credit, measure: Measure): number | null =>
  measure === "value" ? credit.attributed_value : credit.attributed_conversions;
const effectOf = (credit: Credit, measure: Measure): number | null =>
  measure === "value" ? credit.removal_effect_value : credit.removal_effect;
export const totalOf = (from: Pick<Attribution, "conversions" | "value">, measure: Measure): number =>
  measure === "value" ? from.value : from.conversions;
export const untouchedOf = (from: Pick<Attribution, "untouched" | "untouched_value">, measure: Measure): number =>
  measure === "value" ? from.untouched_value : from.untouched;

export function creditTable(attribution: Attribution, channels: readonly Channel[], measure: Measure): CreditTable {
  const total = totalOf(attribution, measure);
  const untouched = untouchedOf(attribution, measure);
  const byState = new Map(attribution.credits.map((credit) => [credit.state, credit]));
  const rows = channels.map((channel): CreditRow => {
    const members = channel.members.flatMap((name) => byState.get(name) ?? []);
    const credit = sum(members.map((member) => creditOf(member, measure)));
    const [only, ...more] = members;
    // Removal effects of several states do not add up.
    const effect = only && more.length === 0 ? effectOf(only, measure) : null;
    return { channel, credit, share: ratio(credit, total), effect };
  });
  return {
    rows,
    untouched,
    untouched_share: ratio(untouched, total),
    sum: sum([...rows.map((row) => row.credit), untouched]),
    total,
  };
}

export type SortBy = "name" | "credit" | "effect";

/** The order of all states when the reader sorts, once. */
export function sorted(attribution: Attribution, by: SortBy, measure: Measure): readonly string[] {
  const number = (credit: Credit) => (by === "effect" ? effectOf(credit, measure) : creditOf(credit, measure)) ?? -1;
  const byName = (a: Credit, b: Credit) => (a.state < b.state ? -1 : 1);
  const compare = by === "name" ? byName : (a: Credit, b: Credit) => number(b) - number(a) || byName(a, b);
  return [...attribution.credits].sort(compare).map(({ state }) => state);
}

/** Whether the rows still stand in the order that sorting would give them now. */
export function isSorted(rows: readonly CreditRow[], by: SortBy): boolean {
  const named = rows.filter(({ channel }) => channel.slot > 0);
  const inOrder = (a: CreditRow, b: CreditRow) => {
    if (by === "name") return a.channel.id <= b.channel.id;
    return by === "credit" ? (a.credit ?? -1) >= (b.credit ?? -1) : (a.effect ?? -1) >= (b.effect ?? -1);
  };
  return named.every((row, at) => at === 0 || inOrder(named[at - 1]!, row));
}

const STEPS = [1, 1.2, 1.6, 2, 2.4, 3, 4, 5, 6, 8, 10];
/** Below this part of the axis the longest bar has room to double. */
const HALVE_BELOW = 0.45;

/** The end of an axis from zero: a round number at first, later changed by doubling and halving only. */
export function axisMax(previous: number | undefined, longest: number): number {
  if (longest <= 0) return previous ?? 1;
  if (previous === undefined) {
    const power = 10 ** Math.floor(Math.log10(longest));
    return (STEPS.find((step) => step * power >= longest) ?? 10) * power;
  }
  let max = previous;
  while (longest > max) max *= 2;
  while (longest < max * HALVE_BELOW) max /= 2;
  return max;
}
