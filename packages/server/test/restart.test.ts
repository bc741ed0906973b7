import { describe, expect, it } from 'vitest';
import { ScriptedLog, VirtualClock } from '../../testing/src/index.js';
import { limits } from '../src/limits.js';
import { LogFailure } from '../src/log/port.js';
import { NUMBER, acquire, watch } from './support/messages.js';
import { type Peer, TestNode, countingBytes } from './support/node.js';

/** What happens on one log, node after node. */
class Place {
  readonly log = new ScriptedLog({ failure: (kind, message) => new LogFailure(kind, message) });
  readonly clock = new VirtualClock();
  /** One for all nodes: an id that an earlier one gave is not given again. */
  readonly #random = countingBytes();

  begin(snapshotCommandsMin?: number): Promise<TestNode> {
    const { clock, log } = this;
    return TestNode.begin({
      clock,
      log,
      random: this.#random,
      ...(snapshotCommandsMin === undefined ? {} : { snapshotCommandsMin }),
    });
  }
}

/** Resumes a session of an earlier node. */
async function resume(node: TestNode, former: Peer): Promise<Peer> {
  const peer = node.connect();
  await peer.hello({ ...former.proof, resumable: true, timeoutMs: 5_000 });
  return peer;
}

const resumable = { resumable: true, timeoutMs: 5_000 } as const;

describe('a node that starts on a log with a past', () => {
  it('knows holds, places and leases, and goes on with log time', async () => {
    const place = new Place();
    const first = await place.begin();
    const holder = await first.open(resumable);
    const waiter = await first.open(resumable);
    await holder.ask(acquire(1, 'a', { leaseMs: 10_000 }));
    await waiter.ask(acquire(1, 'a'));
    await place.clock.advance(4_000);
    const spent = first.machine.nowMs;
    first.stop();
    place.clock.stall(3_600_000);
    const second = await place.begin();
    expect(second.machine.key('a')).toMatchObject({ heldCount: 1, waitingCount: 1 });
    expect(second.term).toBe(2);
    expect(second.nowMs()).toBeGreaterThanOrEqual(spent);
    const back = await resume(second, holder);
    await resume(second, waiter);
    // The hour in which nothing served is not taken from the lease.
    await place.clock.advance(4_000);
    back.say([9, 1]);
    expect(second.machine.key('a')?.heldCount).toBe(1);
  });

  it('gives every session a whole time-out from its own start, however long it was away', async () => {
    const place = new Place();
    const first = await place.begin();
    const holder = await first.open(resumable);
    await holder.ask(acquire(1, 'a'));
    await place.clock.advance(4_900);
    first.stop();
    place.clock.stall(60_000);
    const second = await place.begin();
    await place.clock.advance(4_900);
    expect(second.machine.session(holder.session)).toBeDefined();
    await place.clock.advance(200);
    expect(second.machine.session(holder.session)).toBeUndefined();
    expect(second.machine.keyCount).toBe(0);
  });

  it('lets those who resume in before new sessions, which wait a moment at most', async () => {
    const place = new Place();
    const first = await place.begin();
    const holders = [await first.open(resumable), await first.open(resumable)];
    first.stop();
    const second = await place.begin();
    const newcomer = second.connect();
    expect(await newcomer.hello()).toEqual([]);
    await resume(second, holders[0]!);
    expect(newcomer.socket.frames).toEqual([]);
    await resume(second, holders[1]!);
    expect(newcomer.socket.messages[0]).toMatchObject([64, { resumed: false }]);
    second.stop();

    const third = await place.begin();
    const patient = third.connect();
    await patient.hello();
    await place.clock.advance(limits.resumesFirstMs - 1);
    expect(patient.socket.frames).toEqual([]);
    await place.clock.advance(1);
    expect(patient.socket.messages[0]).toMatchObject([64, { resumed: false }]);
  });

  it('does not make new sessions wait when nobody can resume', async () => {
    const place = new Place();
    const first = await place.begin();
    await first.open({ timeoutMs: 5_000 });
    first.stop();
    const second = await place.begin();
    const newcomer = second.connect();
    expect(await newcomer.hello()).toMatchObject([[64, { resumed: false }]]);
  });

  it('forgets newcomers that have gone while they waited', async () => {
    const place = new Place();
    const first = await place.begin();
    await first.open(resumable);
    first.stop();
    const second = await place.begin();
    const newcomer = second.connect();
    await newcomer.hello();
    newcomer.handler.onClosed();
    const known = place.log.entries.length;
    await place.clock.advance(limits.resumesFirstMs);
    expect(place.log.entries).toHaveLength(known);
  });

  it('answers a request that was sent again once, with the hold that it has', async () => {
    const place = new Place();
    const first = await place.begin();
    const holder = await first.open(resumable);
    const [granted] = await holder.ask(acquire(1, 'a'));
    first.stop();
    const second = await place.begin();
    const back = await resume(second, holder);
    expect(await back.ask(acquire(1, 'a'))).toEqual([granted]);
    expect(second.machine.heldCount).toBe(1);
  });

  it('lets a watch go on without a gap over what was durable and never said', async () => {
    const place = new Place();
    const first = await place.begin();
    const actor = await first.open(resumable);
    const watcher = await first.open(resumable);
    await watcher.ask(watch(1, '**'));
    await actor.ask(acquire(1, 'a'));
    const seen = first.position;
    place.log.manual();
    actor.say(acquire(2, 'b'));
    await place.clock.turn();
    first.stop();
    place.log.automatic();
    const second = await place.begin();
    const back = await resume(second, watcher);
    const told = await back.ask(watch(1, '**', seen));
    expect(told).toMatchObject([
      [77, 1, NUMBER],
      [71, 1, NUMBER, [['granted', 'b', actor.session, 2, 0, NUMBER, null]]],
    ]);
  });
});

describe('snapshots', () => {
  it('are taken when as much was said as they would hold, and a start goes on from the newest', async () => {
    const place = new Place();
    const first = await place.begin(10);
    const holder = await first.open(resumable);
    for (let request = 1; request <= 40; request++) {
      await holder.ask(acquire(request, `k${request}`));
      if (request > 20) await holder.ask([3, request]);
    }
    await place.clock.settle();
    const snapshot = await place.log.loadSnapshot();
    expect(snapshot?.index).toBeGreaterThan(10);
    first.stop();
    const kept = place.log.entries.length;
    // A start that read entries before the snapshot would fail: they are gone.
    place.log.entries.splice(0, snapshot!.index);
    expect(place.log.entries.length).toBeLessThan(kept);
    const second = await place.begin(10);
    expect(second.machine.heldCount).toBe(20);
    expect(second.machine.index).toBe(kept + 1);
  });

  it('that cannot be saved are told, cost nothing further, and are tried again later', async () => {
    const place = new Place();
    place.log.saveSnapshot = () => Promise.reject(new Error('no room'));
    const node = await place.begin(5);
    const holder = await node.open(resumable);
    for (let request = 1; request <= 30; request++) await holder.ask(acquire(request, 'k'), [3, request]);
    expect(node.snapshotFailures.length).toBeGreaterThan(5);
    expect(node.fenced).toEqual([]);
    expect(node.machine.keyCount).toBe(0);
  });
});
