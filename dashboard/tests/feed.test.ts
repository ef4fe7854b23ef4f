import { beforeEach, describe, expect, it } from "vitest";

import { createFeed, type Feed, type Link, RETRY_FIRST_MS, RETRY_MAX_MS, retryDelay, type Socket, type World } from "../src/feed";
import { type Frame, minutesOf } from "../src/frame";
import { ATTRIBUTION, CHAIN, delta, ENGINE, GENERATION, hello, MINUTE_MS, minute, ROWS, snapshot } from "./sample";

class FakeSocket implements Socket {
  onopen: Socket["onopen"] = null;
  onmessage: Socket["onmessage"] = null;
  onclose: Socket["onclose"] = null;
  readonly sent: Record<string, unknown>[] = [];
  closed = false;

  send(text: string): void {
    this.sent.push(JSON.parse(text) as Record<string, unknown>);
  }
  close(): void {
    this.closed = true;
  }
  say(...texts: string[]): void {
    for (const data of texts) this.onmessage?.({ data });
  }
}

/** A world whose time and paints a test moves by hand. */
class FakeWorld implements World {
  readonly sockets: FakeSocket[] = [];
  private time = 1000;
  private timers: { at: number; then: () => void }[] = [];
  private paints: (() => void)[] = [];

  open(): Socket {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  }
  now = () => this.time;
  random = () => 0.5;
  after(ms: number, then: () => void) {
    const timer = { at: this.time + ms, then };
    this.timers.push(timer);
    return () => void (this.timers = this.timers.filter((other) => other !== timer));
  }
  nextPaint(then: () => void): void {
    this.paints.push(then);
  }
  paint(): void {
    for (const then of this.paints.splice(0)) then();
  }
  pass(ms: number): void {
    this.time += ms;
    const due = this.timers.filter(({ at }) => at <= this.time);
    this.timers = this.timers.filter(({ at }) => at > this.time);
    for (const { then } of due) then();
  }
  get socket(): FakeSocket {
    return this.sockets.at(-1)!;
  }
}

let world: FakeWorld;
let frames: Frame[];
let closings: number[];
let links: Link[];
let feed: Feed;

beforeEach(() => {
  world = new FakeWorld();
  frames = [];
  closings = [];
  links = [];
  feed = createFeed("ws://test/ws", 250, CHAIN, world, {
    frame: (frame, closed_at) => {
      frames.push(frame);
      closings.push(closed_at);
    },
    link: (link) => links.push(link),
    server: () => {},
  });
});

function start(epoch = 10): void {
  world.socket.say(hello(), snapshot(epoch));
  world.paint();
}

describe("subscribing", () => {
  it("asks after hello, for one chain and all topics, and for nothing else", () => {
    expect(world.socket.sent).toEqual([]);
    world.socket.say(hello());
    expect(world.socket.sent).toEqual([
      { type: "subscribe", topics: ["engine", "dispositions", "attribution", "transitions", "history"], ...CHAIN, tick_ms: 250 },
    ]);
  });
  it("shows a snapshot in the next paint, and only then is the link open", () => {
    world.socket.say(hello(), snapshot(10));
    expect([frames.length, links.at(-1)?.phase]).toEqual([0, "connecting"]);
    world.paint();
    expect([frames.length, frames[0]?.epoch, links.at(-1)?.phase]).toEqual([1, 10, "open"]);
  });
  it("shows what came between two paints as one frame", () => {
    start();
    world.socket.say(delta(10, 11, { engine: { ...ENGINE, events_per_second: 1 } }), delta(11, 12, { engine: { ...ENGINE, events_per_second: 2 } }));
    world.paint();
    expect(frames.map(({ epoch }) => epoch)).toEqual([10, 12]);
    expect(frames[1]?.engine?.events_per_second).toBe(2);
  });
  it("asks anew when another chain is wanted, and takes no snapshot of the old one for it", () => {
    start();
    const other = { scope: "Acme", dimension: "campaign", window: "1h" } as const;
    feed.want(other);
    expect(world.socket.sent.at(-1)).toMatchObject({ type: "subscribe", ...other });
    world.socket.say(snapshot(11));
    world.paint();
    expect(frames).toHaveLength(1);
    world.socket.say(snapshot(12, { engine: ENGINE, "attribution/Acme/campaign/1h": ATTRIBUTION }));
    world.paint();
    expect(frames.at(-1)).toMatchObject({ epoch: 12, chain: other });
  });
});

describe("a frame after deltas equals a fresh snapshot", () => {
  it("with rows replaced, added and removed", () => {
    start();
    const key = (at: number) => `history/*/channel/all/${MINUTE_MS + at * 60_000}`;
    const changes = { [key(1)]: minute(MINUTE_MS + 60_000, 51, 35, 12), [key(2)]: minute(MINUTE_MS + 120_000, 52, 36, 12) };
    world.socket.say(delta(10, 11, changes, [key(0)]));
    world.paint();
    const { [key(0)]: _, ...rest } = ROWS;
    world.socket.say(snapshot(11, { ...rest, ...changes }));
    world.paint();
    expect(frames[1]).toEqual(frames[2]);
    expect(minutesOf(frames[1]!.history).map(({ conversions }) => conversions)).toEqual([51, 52]);
  });
  it("keeps as it was what did not change", () => {
    start();
    world.socket.say(delta(10, 11, { engine: ENGINE }));
    world.paint();
    expect(frames[1]?.attribution).toBe(frames[0]?.attribution);
    expect(frames[1]?.history).toBe(frames[0]?.history);
    world.socket.say(delta(11, 12, { [`history/*/channel/all/${MINUTE_MS + 60_000}`]: minute(MINUTE_MS + 60_000, 51, 35, 12) }));
    world.paint();
    expect(frames[2]?.history.open?.conversions).toBe(51);
    expect(frames[2]?.history.closed).toBe(frames[0]?.history.closed);
  });
  it("forgets a fault once the row is good again", () => {
    world.socket.say(hello(), snapshot(10, { ...ROWS, "transitions/*/channel/all": {} }));
    world.paint();
    expect(frames[0]?.faults).toHaveProperty("transitions");
    world.socket.say(delta(10, 11, { "transitions/*/channel/all": ROWS["transitions/*/channel/all"] }));
    world.paint();
    expect(frames[1]?.faults).toEqual({});
  });
});

describe("a lost connection", () => {
  it("is resumed by generation and epoch, after a wait with jitter", () => {
    start(10);
    world.socket.onclose?.({ code: 1006 });
    expect(links.at(-1)).toMatchObject({ phase: "waiting", retry_at: 1000 + RETRY_FIRST_MS / 2 });
    world.pass(RETRY_FIRST_MS / 2);
    expect(world.sockets).toHaveLength(2);
    world.socket.say(hello());
    expect(world.socket.sent[0]).toMatchObject({ type: "resume", generation: GENERATION, epoch: 10, ...CHAIN, tick_ms: 250 });
    world.socket.say(delta(10, 40, { engine: ENGINE }));
    world.paint();
    expect(frames.map(({ epoch }) => epoch)).toEqual([10, 40]);
    expect(links.at(-1)?.phase).toBe("open");
  });
  it("takes a snapshot of a restarted server instead", () => {
    start(10);
    world.socket.onclose?.({ code: 1001 });
    world.pass(RETRY_MAX_MS);
    world.socket.say(hello(GENERATION + 5), snapshot(3, ROWS, GENERATION + 5));
    world.paint();
    expect(frames.at(-1)).toMatchObject({ generation: GENERATION + 5, epoch: 3 });
  });
  it("waits longer each time, and no longer after a frame", () => {
    world.socket.onclose?.({ code: 1006 });
    world.pass(RETRY_FIRST_MS);
    world.socket.onclose?.({ code: 1006 });
    expect(links.at(-1)).toMatchObject({ attempt: 1, retry_at: world.now() + RETRY_FIRST_MS });
    world.pass(RETRY_MAX_MS);
    start();
    world.socket.onclose?.({ code: 1006 });
    expect(links.at(-1)).toMatchObject({ attempt: 0 });
  });
  it("is noticed by its silence", () => {
    start();
    world.pass(15_000);
    expect(links.at(-1)?.phase).toBe("waiting");
    expect(world.socket.closed).toBe(true);
  });
  it("is not tried again when the server has refused, until the reader asks", () => {
    world.socket.say(hello(), '{"type":"error","title":"there is no advertiser X"}');
    world.socket.onclose?.({ code: 1008 });
    expect(links.at(-1)).toMatchObject({ phase: "refused", title: "there is no advertiser X" });
    world.pass(60_000);
    expect(world.sockets).toHaveLength(1);
    feed.retry();
    expect(world.sockets).toHaveLength(2);
  });
  it("is given up when frames cannot be read", () => {
    world.socket.say(hello(), "{");
    expect(links.at(-1)).toMatchObject({ phase: "refused", title: "a frame is not JSON" });
    expect(world.socket.closed).toBe(true);
  });
});

describe("what does not fit", () => {
  it("asks for a snapshot when frames are missing", () => {
    start(10);
    world.socket.say(delta(15, 20, { engine: ENGINE }));
    expect(world.socket.sent.at(-1)).toMatchObject({ type: "subscribe" });
    world.paint();
    expect(frames).toHaveLength(1);
  });
});

describe("age", () => {
  it("counts from the epoch, not from the frame: an engine that stands still grows old", () => {
    start(10);
    world.pass(4000);
    world.socket.say(delta(10, 10, { engine: ENGINE }));
    world.paint();
    expect(closings).toEqual([1000, 1000]);
  });
  it("is what a heartbeat says", () => {
    start(10);
    world.pass(5000);
    const beat = { type: "heartbeat", generation: GENERATION, epoch: 900, server_time_ms: 1, staleness_ms: 4 };
    world.socket.say(JSON.stringify(beat));
    world.paint();
    expect([closings.at(-1), frames.at(-1)?.epoch]).toEqual([5996, 900]);
  });
});

it("spreads retries over the whole wait, and bounds it", () => {
  expect(retryDelay(0, 0)).toBe(0);
  expect(retryDelay(3, 1)).toBe(RETRY_FIRST_MS * 8);
  expect(retryDelay(50, 1)).toBe(RETRY_MAX_MS);
});
