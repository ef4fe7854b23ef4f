/** A made-up world: users of a few advertisers whose journeys go on in real time, and events that are posted. */

import { Chain, random, solve, WINDOWS } from "./chains.mjs";

const MINUTE_MS = 60_000;
const CHANNELS = ["search", "social", "display", "video", "email", "affiliate", "ctv", "audio", "direct", "podcast", "push", "sms"];
const ADVERTISERS = ["Acme Outdoor", "Borealis Coffee", "Cobalt Insurance"];
export const HISTORY_MINUTES = 360;
const EMPTY = { journeys: 0 };

export class World {
  constructor({ seed = 7, channels = 8, empty = false, journeys_per_minute = 160, minutes = 380 } = {}) {
    this.random = random(seed);
    this.channels = CHANNELS.slice(0, channels);
    this.advertisers = [];
    this.chains = new Map();
    this.open = new Map();
    this.history = new Map();
    this.dispositions = { read: 0, accepted: 0, duplicate: 0, late: 0, invalid: 0, no_consent: 0, conflicts: 0, open_sessions: 0, open_journeys: 0 };
    this.pull = Object.fromEntries(this.channels.map((name, at) => [name, 1 / (1 + at * 0.45)]));
    this.rate = empty ? 0 : journeys_per_minute;
    this.now_ms = Math.floor(Date.now() / MINUTE_MS) * MINUTE_MS - (empty ? 0 : minutes) * MINUTE_MS;
    this.solved = new Map();
    while (this.now_ms < Date.now() - MINUTE_MS) this.advance(MINUTE_MS);
    this.now_ms = Date.now();
  }

  chain(scope, dimension) {
    const key = `${scope}/${dimension}`;
    if (!this.chains.has(key)) this.chains.set(key, new Chain());
    return this.chains.get(key);
  }

  /** Moves an open journey to its next point; what was provisional is taken back. */
  point(user, advertiser, touch, value) {
    if (!this.advertisers.includes(advertiser)) this.advertisers = [...this.advertisers, advertiser].sort();
    const key = `${user}\n${advertiser}`;
    const minute_ms = Math.floor(this.now_ms / MINUTE_MS) * MINUTE_MS;
    const journey = this.open.get(key) ?? { minute_ms, last: undefined };
    const states = (at) => [["*", "channel", at?.channel], [advertiser, "channel", at?.channel], [advertiser, "campaign", at?.campaign]];
    const before = states(journey.last);
    states(touch).forEach(([scope, dimension, to], at) => {
      const chain = this.chain(scope, dimension);
      const from = before[at][2] ?? "(start)";
      if (journey.last) chain.edge(journey.minute_ms, from, "(null)", -1);
      chain.edge(journey.minute_ms, from, to ?? "(conversion)", 1, touch ? 0 : value);
      if (touch) chain.edge(journey.minute_ms, to, "(null)", 1);
    });
    if (touch) this.open.set(key, { ...journey, last: touch });
    else this.open.delete(key);
    this.solved.clear();
  }

  draw(weights) {
    let rest = this.random() * weights.reduce((all, [, weight]) => all + weight, 0);
    return weights.find(([, weight]) => (rest -= weight) < 0)?.[0] ?? weights[0][0];
  }

  touch() {
    const drift = (name, at) => 1 + 0.5 * Math.sin(this.now_ms / (40 * MINUTE_MS) + at * 1.7);
    const channel = this.draw(this.channels.map((name, at) => [name, this.pull[name] * drift(name, at)]));
    return { channel, campaign: this.draw([["spring", 3], ["brand", 2], ["retargeting", 1.4], ["launch", 1], ["video test", 0.4]]) };
  }

  /** One made-up journey of a new user. */
  journey() {
    this.users = (this.users ?? 0) + 1;
    const user = `u${this.users}`;
    const advertiser = this.draw(ADVERTISERS.map((name, at) => [name, 3 - at * 0.8]));
    const touches = this.random() < 0.015 ? 0 : 1 + Math.floor(-Math.log(1 - this.random()) * 1.4);
    for (let at = 0; at < touches; at += 1) this.point(user, advertiser, this.touch());
    const isConverted = touches === 0 || this.random() < 0.11 + 0.03 * touches;
    if (isConverted) this.point(user, advertiser, undefined, 20 + Math.round(this.random() * 16000) / 100);
    else if (this.random() < 0.6) this.open.delete(`${user}\n${advertiser}`);
    this.count(touches + (isConverted ? 1 : 0));
  }

  count(records) {
    const counted = this.dispositions;
    for (let at = 0; at < records; at += 1) {
      const kind = this.draw([["accepted", 985], ["duplicate", 7], ["late", 3], ["invalid", 2], ["no_consent", 3]]);
      counted[kind] += 1;
      counted.read += 1;
    }
  }

  /** More in the evening than in the morning, and a little noise. */
  busy() {
    return 1 + 0.3 * Math.sin(this.now_ms / (90 * MINUTE_MS)) + 0.3 * (this.random() - 0.5);
  }

  advance(ms) {
    this.due = (this.due ?? 0) + this.busy() * ((this.rate * ms) / MINUTE_MS);
    for (; this.due >= 1; this.due -= 1) this.journey();
    this.dispositions.open_journeys = this.open.size;
    this.dispositions.open_sessions = Math.round(this.open.size * 1.1);
    const minute = Math.floor(this.now_ms / MINUTE_MS);
    this.now_ms += ms;
    if (Math.floor(this.now_ms / MINUTE_MS) !== minute) {
      this.solved.clear();
      this.remember(minute * MINUTE_MS);
    }
  }

  result(scope, dimension, window) {
    const key = `${scope}/${dimension}/${window}`;
    const chain = this.chains.get(`${scope}/${dimension}`);
    if (!chain) return undefined;
    if (!this.solved.has(key)) this.solved.set(key, solve(chain.total(window, Math.floor(this.now_ms / MINUTE_MS) * MINUTE_MS)));
    return this.solved.get(key);
  }

  /** How each chain stands at the end of a minute. */
  remember(minute_ms) {
    for (const key of this.chains.keys()) {
      const [scope, dimension] = key.split("/");
      for (const window of Object.keys(WINDOWS)) this.rememberOne(scope, dimension, window, minute_ms);
    }
  }

  /** The open minute of one chain, as it stands now. */
  openMinute(scope, dimension, window) {
    this.rememberOne(scope, dimension, window, Math.floor(this.now_ms / MINUTE_MS) * MINUTE_MS);
  }

  rememberOne(scope, dimension, window, minute_ms) {
    const { attribution: of } = this.result(scope, dimension, window) ?? { attribution: EMPTY };
    if (of.journeys === 0) return;
    const { journeys, conversions, untouched, value, untouched_value } = of;
    const credits = Object.fromEntries(of.credits.map((c) => [c.state, [c.attributed_conversions, c.attributed_value, c.removal_effect]]));
    const key = `${scope}/${dimension}/${window}`;
    if (!this.history.has(key)) this.history.set(key, new Map());
    const minutes = this.history.get(key);
    minutes.set(minute_ms, { at_ms: minute_ms, events_per_second: this.rate / 20, journeys, conversions, untouched, value, untouched_value, credits });
    if (minutes.size > HISTORY_MINUTES) minutes.delete(minutes.keys().next().value);
  }
}
