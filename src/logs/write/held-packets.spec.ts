import { standIn } from '../../../test/support/stand-in.js';
import type { Packet } from './chunk-queue.js';
import { HeldPackets } from './held-packets.js';
import type { LivePublisher } from './live-publisher.js';
import { ManualClock } from './log-writer.fixture.js';

/** A chunk that fills in 75 ms is a flood. */
const limits = { chunkBytes: 100, heldMs: 150 };

describe('HeldPackets', () => {
  let clock: ManualClock;
  let held: HeldPackets;
  /** Numbers of packets that were published, and what was told as stored. */
  let seen: string[];
  let room: true | Promise<void>;

  beforeEach(() => {
    clock = new ManualClock();
    seen = [];
    room = true;
    const live = standIn<LivePublisher>({
      publish: ({ lastSeq }: Packet) => void seen.push(`${lastSeq}`),
      room: () => room,
      tellStored: (seq: number) => void seen.push(`stored ${seq}`),
    });
    held = new HeldPackets(live, clock, limits);
  });

  /** A packet of one line; it fills a chunk, unless it is said to be small. */
  const add = (seq: number, byteLength = 100): void =>
    held.add({ firstSeq: seq, lastSeq: seq, batches: [], byteLength, addresses: [] });

  it('publishes what is no flood at once', () => {
    add(1, 60);
    add(2, 30);
    clock.advance(76);
    add(3, 60);
    held.stored(3);
    expect(seen).toEqual(['1', '2', '3']);
  });

  it('knows a flood by its rate, in whatever pieces it comes', () => {
    for (let seq = 1; seq <= 10; seq++) {
      add(seq, 30);
      clock.advance(20);
    }
    expect(seen).toEqual(['1', '2', '3']);
    held.stored(10);
    clock.advance(76);
    add(11, 30);
    expect(seen).toEqual(['1', '2', '3', 'stored 10', '11']);
  });

  it('tells of a flood when it is stored', () => {
    add(1);
    add(2);
    add(3);
    held.stored(2);
    held.stored(3);
    clock.advance(1_000);
    expect(seen).toEqual(['stored 2', 'stored 3']);
  });

  it('publishes each packet that is not stored in its time', () => {
    add(1);
    clock.advance(100);
    add(2);
    clock.advance(49);
    expect(seen).toEqual([]);
    clock.advance(1);
    expect(seen).toEqual(['1']);
    held.stored(1);
    clock.advance(100);
    held.stored(2);
    expect(seen).toEqual(['1', '2']);
  });

  it('lets nothing overtake a flood', () => {
    add(1);
    clock.advance(76);
    add(2, 1);
    expect(seen).toEqual([]);
    held.stored(1);
    expect(seen).toEqual(['stored 1', '2']);
    add(3);
    clock.advance(76);
    add(4, 1);
    clock.advance(73);
    expect(seen).toEqual(['stored 1', '2']);
    clock.advance(1);
    expect(seen).toEqual(['stored 1', '2', '3', '4']);
  });

  it('waits for a bus that takes nothing, and tells what is stored meanwhile', async () => {
    let isThere = (): void => undefined;
    room = new Promise((resolve) => (isThere = resolve));
    for (let seq = 1; seq <= 5; seq++) add(seq, 1);
    held.stored(3);
    expect(seen).toEqual(['stored 3']);
    const first = room;
    room = true;
    isThere();
    await first;
    await Promise.resolve();
    expect(seen).toEqual(['stored 3', '4', '5']);
  });

  it('publishes all of it, or forgets it, when nobody stores it any more', () => {
    add(1);
    add(2, 1);
    held.release();
    add(3);
    held.forget();
    clock.advance(1_000);
    expect(seen).toEqual(['1', '2']);
  });

  it('never leaves a gap behind what is stored, whenever the worker dies', () => {
    let state = 7;
    const random = (below: number): number => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return Math.floor((state / 2 ** 31) * below);
    };
    let taken = 0;
    let stored = 0;
    for (let step = 0; step < 5_000; step++) {
      const what = random(10);
      if (what < 6) add(++taken, random(2) * 100);
      else if (what < 8) clock.advance(random(120));
      else held.stored((stored += random(taken - stored + 1)));
      const published = seen.filter((one) => /^\d+$/.test(one)).map(Number);
      const notStored = published.filter((seq) => seq > stored);
      expect(notStored).toEqual(notStored.map((_, index) => stored + 1 + index));
      if (seen.length > 50) seen.splice(0, seen.length - 50);
    }
    clock.advance(150);
    expect(taken).toBeGreaterThan(1_000);
  });
});
