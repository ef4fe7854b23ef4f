/**
 * All that the panels draw from. In: frames and the state of the link from the feed, and what the reader does. What must
 * hold: everything on screen is from one frame; that frame changes in one update.
 */

import { create } from "zustand";

import { channels, type Channel, EXPECTED_ROWS, orderKey, paletteKey, SLOTS, withNames, withRows } from "./derive";
import { type SortBy, sorted } from "./derive/credit";
import type { Link, Server } from "./feed";
import type { Frame } from "./frame";
import { fromSearch, type Selection, toSearch } from "./selection";
import { type Status, statusOf } from "./status";
import { remembered, remember } from "./storage";
import { chainKey } from "./wire";

/** A frame as it was shown, with the rows and colours of that moment. */
export interface Shown {
  readonly frame: Frame;
  readonly closed_at: number;
  readonly channels: readonly Channel[];
  /** Frames received before it, to say how many wait. */
  readonly number: number;
}
export interface Held {
  readonly kind: "frozen" | "as-of";
  readonly shown: Shown;
  readonly at: number;
}
/** The engine's p99 in milliseconds, as a frame said it. */
export type Beat = number | null;

/** Frames kept to step back through, and drawn in the pulse. */
export const KEPT = 40;
type Names = Readonly<Record<string, readonly string[]>>;

export interface State {
  readonly selection: Selection;
  readonly kept: readonly Shown[];
  readonly beats: readonly Beat[];
  readonly held: Held | undefined;
  readonly link: Link;
  readonly server: Server | undefined;
  readonly status: Status;
  readonly palettes: Names;
  readonly orders: Names;
  readonly sort: { readonly key: string; readonly by: SortBy } | undefined;
  readonly tables: boolean;
  readonly help: boolean;
  /** The time under the reader's pointer, in all charts. */
  readonly cursor_ms: number | undefined;
}

const PALETTES = "tributary.palettes";

export const useStore = create<State>(() => ({
  selection: fromSearch(location.search),
  kept: [],
  beats: [],
  held: undefined,
  link: { phase: "connecting", since: Date.now() },
  server: undefined,
  status: "loading",
  palettes: remembered<Names>(PALETTES) ?? {},
  orders: {},
  sort: undefined,
  tables: false,
  help: false,
  cursor_ms: undefined,
}));

const { getState: get, setState: set } = useStore;

const situation = (state: State) => ({
  link: state.link,
  has_frame: state.kept.length > 0,
  closed_at: state.kept.at(-1)?.closed_at ?? 0,
  held: state.held?.kind,
});
const withStatus = (state: State): State => ({ ...state, status: statusOf(situation(state), Date.now()) });
/** Every change goes through here, so that the status is never older than what it speaks of. */
const update = (change: Partial<State>): void => set((state) => withStatus({ ...state, ...change }));

/** The frame on screen. */
export const shownOf = (state: State): Shown | undefined => state.held?.shown ?? state.kept.at(-1);
export const useShown = (): Shown | undefined => useStore(shownOf);

/** Rows to leave room for: those on screen, else those of the last visit. */
export function expectedRows(state: State): number {
  const known = state.palettes[paletteKey(state.selection)]?.length ?? 0;
  return shownOf(state)?.channels.length || Math.min(known, SLOTS + 1) || EXPECTED_ROWS;
}

function namesOf(frame: Frame): readonly string[] {
  return (frame.attribution?.credits ?? []).map(({ state }) => state);
}

export function takeFrame(frame: Frame, closed_at: number): void {
  const state = get();
  const last = state.kept.at(-1);
  const isSameChain = last !== undefined && chainKey(last.frame.chain) === chainKey(frame.chain);
  const [colours, rows] = [paletteKey(frame.chain), orderKey(frame.chain)];
  const palette = withNames(state.palettes[colours] ?? [], namesOf(frame));
  const order = withRows(state.orders[rows] ?? [], frame);
  const palettes = palette === state.palettes[colours] ? state.palettes : { ...state.palettes, [colours]: palette };
  const orders = order === state.orders[rows] ? state.orders : { ...state.orders, [rows]: order };
  if (palettes !== state.palettes) remember(PALETTES, palettes);
  const number = (last?.number ?? 0) + 1;
  const shown: Shown = { frame, closed_at, number, channels: stable(last?.channels, channels(frame, order, palette)) };
  update({
    palettes,
    orders,
    kept: [...(isSameChain ? state.kept.slice(1 - KEPT) : []), shown],
    beats: [...state.beats.slice(1 - KEPT), frame.engine?.latency_ms_p99 ?? null],
    held: isSameChain ? state.held : undefined,
  });
}

/** The list of before if nothing in it has changed, so that what depends on it need not be drawn again. */
function stable(before: readonly Channel[] | undefined, now: readonly Channel[]): readonly Channel[] {
  const same = before?.length === now.length && now.every((channel, at) => isSame(before[at]!, channel));
  return same ? before : now;
}
const isSame = (a: Channel, b: Channel) => a.id === b.id && a.slot === b.slot && a.members.join() === b.members.join();

export const takeLink = (link: Link): void => update({ link });
export const takeServer = (server: Server): void => set({ server });

/** Time alone can change the status. */
export function checkStatus(): void {
  const state = get();
  if (statusOf(situation(state), Date.now()) !== state.status) update({});
}

export function select(change: Partial<Selection>, isBack = false): void {
  const selection = { ...get().selection, ...change };
  const search = toSearch(selection, location.search);
  if (!isBack) history.pushState(null, "", search);
  const next = fromSearch(search);
  update({ selection: next, held: chainKey(next) === chainKey(get().selection) ? get().held : undefined });
}

export function freeze(): void {
  const { held, kept } = get();
  const shown = kept.at(-1);
  if (held) goLive();
  else if (shown) update({ held: { kind: "frozen", shown, at: Date.now() } });
}

/** One kept frame back or on. */
export function step(by: number): void {
  const { held, kept } = get();
  const from = held ? kept.findIndex(({ number }) => number >= held.shown.number) : kept.length - 1;
  const to = Math.max(0, from + by);
  const shown = kept[to];
  if (!shown || to >= kept.length - 1) return goLive();
  update({ held: { kind: "as-of", shown, at: held?.at ?? Date.now() } });
}
export const goLive = (): void => update({ held: undefined });

export function sortRows(by: SortBy): void {
  const state = get();
  const shown = shownOf(state);
  if (!shown?.frame.attribution) return;
  const key = orderKey(shown.frame.chain);
  const order = sorted(shown.frame.attribution, by, state.selection.measure);
  const redraw = (of: Shown): Shown => ({
    ...of,
    channels: channels(of.frame, order, state.palettes[paletteKey(of.frame.chain)] ?? []),
  });
  update({
    orders: { ...state.orders, [key]: order },
    sort: { key, by },
    kept: state.kept.map(redraw),
    held: state.held && { ...state.held, shown: redraw(state.held.shown) },
  });
}

export const toggleTables = (): void => set((state) => ({ tables: !state.tables }));
export const toggleHelp = (): void => set((state) => ({ help: !state.help }));
export const pointAt = (cursor_ms: number | undefined): void => set({ cursor_ms });
