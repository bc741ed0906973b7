/**
 * 100,000 damaged frames over sockets. Whatever a frame says, its connection answers or closes, as the codec judges the frame: nothing else
 * happens, and not to anybody else. HOLDFAST_SEED repeats a run, HOLDFAST_FRAMES makes it longer.
 */
import { BadMessage, type ClientMessage, MessageType, decodeClientFrame } from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutatedFrame } from './support/mutate.js';
import { Random, seedOfRun } from './support/random.js';
import { RawClient } from './support/raw-client.js';
import { Opcode, RawSocket, closeFrame, frame, upgradeRequest } from './support/raw-socket.js';
import { Scene } from './support/witness.js';

const SEED = seedOfRun();
const FRAMES = Number(process.env['HOLDFAST_FRAMES'] ?? 100_000);
const SOCKETS = 16;
const STREAMS = 2_000;
/** Frames between two looks at the witness. */
const LOOK_EVERY = 10_000;
/** What a connection may be closed with for what its own peer said. */
const DOCUMENTED = [1000, 1001, 1002, 1003, 1005, 1007, 1008, 1009, 4100, 4400, 4408, 4410, 4413];

let scene: Scene;

beforeAll(async () => {
  scene = await Scene.start();
});

afterAll(() => scene.end());

type Verdict = 'heard' | 'welcomed' | 1000 | 4400 | 4410;

/** What the server has to do with a frame, as the first one of its connection or as a later one. */
function expected(bytes: Uint8Array, isFirst: boolean): Verdict {
  let messages: ClientMessage[];
  try {
    messages = decodeClientFrame(bytes);
  } catch (error) {
    if (error instanceof BadMessage) return 4400;
    throw error;
  }
  if (isFirst) {
    const [only, more] = messages;
    if (only?.[0] !== MessageType.hello || more !== undefined) return 4400;
    return only[1].session === undefined ? 'welcomed' : 4410;
  }
  for (const [type] of messages) {
    if (type === MessageType.hello) return 4400;
    if (type === MessageType.goodbye) return 1000;
  }
  return 'heard';
}

/** Sends the frame and finds out what became of it. */
async function judge(client: RawClient, bytes: Uint8Array, isFirst: boolean, number: number): Promise<Verdict> {
  client.sendBytes(bytes);
  if (isFirst) {
    const welcomed = client.next(MessageType.welcome).then(() => 'welcomed' as const);
    return Promise.race([welcomed.catch(() => closeCode(client)), closeCode(client)]);
  }
  const heard = client.probed(number).then(() => 'heard' as const);
  return Promise.race([heard.catch(() => closeCode(client)), closeCode(client)]);
}

async function closeCode(client: RawClient): Promise<Verdict> {
  return (await client.closed).code as Verdict;
}

/** Sends frames until `take` has no more; opens a new connection whenever one was closed. */
async function attack(random: Random, take: () => boolean): Promise<Map<Verdict, number>> {
  const seen = new Map<Verdict, number>();
  let client: RawClient | null = null;
  let number = 2 ** 40;
  let next = 20;
  while (take()) {
    const isFirst: boolean = client === null && random.chance(20);
    client ??= isFirst ? await RawClient.connect(scene.server.url) : await RawClient.open(scene.server.url);
    number += 1;
    next += 1;
    const bytes = mutatedFrame(random, next);
    const verdict = await judge(client, bytes, isFirst, number);
    if (verdict !== expected(bytes, isFirst)) {
      expect.fail(`${verdict}, not ${expected(bytes, isFirst)}, for ${bytes.toString('hex')} (seed ${SEED})`);
    }
    seen.set(verdict, (seen.get(verdict) ?? 0) + 1);
    client.forget();
    if (verdict !== 'heard' && verdict !== 'welcomed') client = null;
  }
  await client?.drop();
  return seen;
}

describe(`seed ${SEED}`, () => {
  it(`${FRAMES} damaged frames are answered or close their connection, each as the codec judges it`, async () => {
    let sent = 0;
    let looking = Promise.resolve();
    const take = (): boolean => {
      sent += 1;
      if (sent % LOOK_EVERY === 0) looking = looking.then(() => scene.check());
      return sent <= FRAMES;
    };
    const attacks = Array.from({ length: SOCKETS }, (_, index) => attack(new Random(SEED + index), take));
    const counts = await Promise.all(attacks);
    await looking;
    await scene.check();
    const total = (verdict: Verdict): number => counts.reduce((sum, seen) => sum + (seen.get(verdict) ?? 0), 0);
    // The damage is of every kind: much of it is still a frame, much is not.
    expect(total('heard')).toBeGreaterThan(FRAMES / 10);
    expect(total(4400)).toBeGreaterThan(FRAMES / 10);
    expect(total('welcomed')).toBeGreaterThan(0);
    expect(total(1000)).toBeGreaterThan(0);
  });

  it(`${STREAMS} damaged WebSocket streams end with a documented code or as they deserve`, async () => {
    const random = new Random(SEED);
    for (let i = 0; i < STREAMS; i += SOCKETS) {
      await Promise.all(Array.from({ length: SOCKETS }, () => stream(random)));
    }
    await scene.check();
  });
});

/** An upgrade, a hello, frames of every opcode, a close: with bits turned after the upgrade, in pieces of any size. */
async function stream(random: Random): Promise<void> {
  using socket = await RawSocket.connect(scene.server.port);
  const opcodes = Object.values(Opcode);
  const frames = Array.from({ length: 1 + random.below(5) }, (_, index) =>
    frame({ opcode: random.pick(opcodes), fin: random.chance(80), payload: mutatedFrame(random, index + 1) }),
  );
  const bytes = Buffer.concat([...frames, closeFrame(1000)]);
  for (let turns = random.below(6); turns > 0; turns--) {
    const at = random.below(bytes.length);
    bytes[at] = bytes.readUInt8(at) ^ (1 << random.below(8));
  }
  socket.write(upgradeRequest());
  await socket.head();
  for (let start = 0; start < bytes.length;) {
    const end = start + 1 + random.below(bytes.length);
    socket.write(bytes.subarray(start, end));
    start = end;
  }
  // A frame that claims more bytes than come is waited for; the end of this side ends that.
  socket.net.end();
  const code = await socket.closeCode();
  if (code !== null && !DOCUMENTED.includes(code) && !isOfPeer(code)) {
    expect.fail(`${code} for ${bytes.toString('hex')} (seed ${SEED})`);
  }
}

/** The echo of a close code that damage made. */
function isOfPeer(code: number): boolean {
  return (code >= 1000 && code <= 1014) || (code >= 3000 && code <= 4999);
}
