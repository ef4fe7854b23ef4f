/** The page's one sentence, from a template and the frame that the charts show. Facts first, then what moved. */

import { type Channel, scopeName } from "../derive";
import { type Format, count, money, points, share, written } from "../format";
import type { Frame } from "../frame";
import { type Measure, WINDOW_SAID } from "../selection";
import { creditTable } from "./credit";
import { movers, settled, timeOf } from "./history";

export interface Lede {
  readonly fact: string;
  readonly more: string;
}

const list = (names: readonly string[]): string =>
  names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
/** A sentence begins with a capital, unless it begins with an identifier such as `cmp_05`. */
const titled = (text: string): string => (/^[a-z]+\b(?!_)/.test(text) ? text.charAt(0).toUpperCase() + text.slice(1) : text);
const one = (count: number, word: string): string => (count === 1 ? word : `${word}s`);

/** The fewest channels that together carry a third of the total, two at most. */
function leaders(table: ReturnType<typeof creditTable>): { names: readonly string[]; share: number } {
  const named = table.rows.filter((row) => row.channel.slot > 0 && (row.share ?? 0) > 0);
  const best = [...named].sort((a, b) => (b.share ?? 0) - (a.share ?? 0)).slice(0, 2);
  return { names: best.map((row) => row.channel.label), share: best.reduce((all, row) => all + (row.share ?? 0), 0) };
}

export function lede(frame: Frame, channels: readonly Channel[], measure: Measure): Lede | undefined {
  const { attribution, chain } = frame;
  if (!attribution || attribution.journeys === 0) return undefined;
  const write: Format = measure === "value" ? money : count;
  const total = measure === "value" ? attribution.value : attribution.conversions;
  const of = chain.window === "all" ? "" : ` ${WINDOW_SAID[chain.window]}`;
  if (attribution.conversions === 0) {
    const journeys = `${written(count(attribution.journeys))} ${one(attribution.journeys, "journey")}`;
    return { fact: `No conversion yet in ${journeys} of ${scopeName(chain.scope)}${of}.`, more: "" };
  }
  const table = creditTable(attribution, channels, measure);
  const { names, share: part } = leaders(table);
  const what = measure === "value" ? "in value" : one(total, "conversion");
  const sum = `${written(write(total))} ${what}${of}`;
  const carry = names.length === 1 ? "carries" : "carry";
  const carried = `${titled(list(names))} ${carry} ${written(share(part))} of ${sum}`;
  const untouched = written(write(table.untouched));
  const fact =
    names.length === 0 ? `None of ${sum} followed a touch.` : `${carried}; ${untouched} followed no touch.`;
  return { fact, more: moved(frame, channels, measure) };
}

function moved(frame: Frame, channels: readonly Channel[], measure: Measure): string {
  const { up, down } = movers(frame.history, channels, measure);
  if (!up && !down) return "";
  const said = [up && `${up.channel.label} ${points(up.by).digits}`, down && `${down.channel.label} ${points(down.by).digits}`];
  const { from_ms, to_ms } = timeOf(settled(frame.history, measure));
  const minutes = Math.round((to_ms - from_ms) / 60_000);
  const hours = Math.round(minutes / 60);
  const over = hours >= 6 ? "six hours" : hours >= 2 ? `${hours} hours` : `${minutes} ${one(minutes, "minute")}`;
  return `Over ${over}, in points of share: ${list(said.filter((text) => text !== undefined))}.`;
}
