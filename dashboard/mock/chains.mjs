/**
 * Counts of made-up journeys by minute, and what follows from them: the figures of docs/METHODS.md in the simplest
 * form, so that everything the page adds up does add up.
 */

export const WINDOWS = { all: Infinity, "24h": 1440, "1h": 60 };
const MINUTE_MS = 60_000;

/** A small seeded generator (mulberry32). */
export function random(seed) {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Adds `by` to the number at a path of maps. */
function add(map, key, by) {
  const next = (map.get(key) ?? 0) + by;
  if (next === 0) map.delete(key);
  else map.set(key, next);
}

const cells = () => ({ counts: new Map(), values: new Map() });

/**
 * Transition counts and conversion values of one (scope, dimension), by minute of the journey's first point, and the
 * sums of each window, which minutes enter as they come and leave as they grow old.
 */
export class Chain {
  minutes = new Map();
  sums = Object.fromEntries(Object.keys(WINDOWS).map((window) => [window, { first_ms: -Infinity, ...cells() }]));

  edge(minute_ms, from, to, by, value = 0) {
    if (!this.minutes.has(minute_ms)) this.minutes.set(minute_ms, cells());
    const sums = Object.values(this.sums).filter(({ first_ms }) => minute_ms >= first_ms);
    for (const { counts, values } of [this.minutes.get(minute_ms), ...sums]) {
      add(counts, `${from}\n${to}`, by);
      if (value !== 0) add(values, from, value);
    }
  }

  total(window, now_ms) {
    const sum = this.sums[window];
    const first_ms = now_ms - (WINDOWS[window] - 1) * MINUTE_MS;
    for (const [minute_ms, { counts, values }] of this.minutes) {
      if (minute_ms < sum.first_ms || minute_ms >= first_ms) continue;
      for (const [key, count] of counts) add(sum.counts, key, -count);
      for (const [from, value] of values) add(sum.values, from, -value);
    }
    sum.first_ms = first_ms;
    return sum;
  }
}

/** (I - Q)^-1 by Gauss-Jordan, as docs/METHODS.md orders it. */
function inverse(matrix) {
  const size = matrix.length;
  for (let p = 0; p < size; p += 1) {
    const scale = 1 / matrix[p][p];
    matrix[p][p] = 1;
    for (let j = 0; j < size; j += 1) matrix[p][j] *= scale;
    for (let i = 0; i < size; i += 1) {
      if (i === p) continue;
      const factor = matrix[i][p];
      matrix[i][p] = 0;
      for (let j = 0; j < size; j += 1) matrix[i][j] -= factor * matrix[p][j];
    }
  }
  return matrix;
}

const sum = (list) => list.reduce((all, value) => all + value, 0);

/** The `attribution` and `transitions` rows of a chain. */
export function solve({ counts, values }) {
  const n = (from, to) => counts.get(`${from}\n${to}`) ?? 0;
  const ends = new Set(["(start)", "(conversion)", "(null)"]);
  const states = [...new Set([...counts.keys()].flatMap((key) => key.split("\n")))].filter((name) => !ends.has(name)).sort();
  const out = states.map((from) => sum([...states, "(conversion)", "(null)"].map((to) => n(from, to))));
  const journeys = sum([...states, "(conversion)"].map((to) => n("(start)", to)));
  const visits = inverse(states.map((from, i) => states.map((to, j) => (i === j ? 1 : 0) - n(from, to) / out[i])));
  const worth = (gain) => {
    const x = states.map((_, i) => sum(states.map((state, j) => visits[i][j] * (gain(state) / out[j]))));
    const x0 = gain("(start)") / journeys + sum(states.map((state, i) => (n("(start)", state) / journeys) * x[i]));
    const h = states.map((_, i) => sum(states.map((state, j) => (n("(start)", state) / journeys) * visits[j][i])) / visits[i][i]);
    return { x0, effects: states.map((_, i) => (x0 > 0 ? (h[i] * x[i]) / x0 : null)) };
  };
  const conversions = sum([...states, "(start)"].map((from) => n(from, "(conversion)")));
  const untouched = n("(start)", "(conversion)");
  const value = sum([...values.values()]);
  const untouched_value = values.get("(start)") ?? 0;
  const byCount = worth((state) => n(state, "(conversion)"));
  const byValue = worth((state) => values.get(state) ?? 0);
  const shared = (effects, total, i) => {
    const all = sum(effects.map((effect) => effect ?? 0));
    return all > 0 ? (total * effects[i]) / all : total === 0 ? 0 : null;
  };
  return {
    attribution: {
      journeys, touches: sum(out), conversions, untouched, value, untouched_value,
      p_conversion: journeys > 0 ? byCount.x0 : null,
      expected_value_per_journey: journeys > 0 ? byValue.x0 : null,
      credits: states.map((state, i) => ({
        state, removal_effect: byCount.effects[i], removal_effect_value: byValue.effects[i],
        attributed_conversions: shared(byCount.effects, conversions - untouched, i),
        attributed_value: shared(byValue.effects, value - untouched_value, i),
      })),
    },
    transitions: { states, counts: [...counts].map(([key, count]) => [...key.split("\n"), count]).sort() },
  };
}
