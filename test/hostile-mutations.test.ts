/**
 * 100,000 damaged frames over sockets. Whatever a frame says, its connection answers or closes, as the codec judges the frame: nothing else
 * happens, and not to anybody else. HOLDFAST_SEED repeats a run, HOLDFAST_FRAMES makes it longer.
 */
import {
  BadMessage,
  type ClientMessage,
  MessageType,
  decodeClientFrame,
  decodeServerFrame,
  encodeFrame,
} from '@holdfast/protocol';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mutatedFrame } from './support/mutate.js';
import { Random, seedOfRun } from './support/random.js';
import { Opcode, RawSocket, closeCodeOf, closeFrame, frame, upgradeRequest } from './support/raw-socket.js';
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

const binary = (payload: Uint8Array): Buffer => frame({ opcode: Opcode.binary, payload });
const HELLO = binary(encodeFrame([[MessageType.hello, { timeoutMs: 60_000 }]]));

/** An open session, or only an open socket. Not the client of the other tests: this one opens tens of thousands of them. */
async function opened(isGreeted: boolean): Promise<RawSocket> {
  const socket = await RawSocket.connect(scene.server.port);
  socket.write(Buffer.concat([Buffer.from(upgradeRequest()), ...(isGreeted ? [HELLO] : [])]));
  await socket.head();
  if (isGreeted) await verdict(socket, 0);
  return socket;
}

/** What the server says next that settles it: a welcome, the answer to this probe, a close. */
async function verdict(socket: RawSocket, number: number): Promise<Verdict | null> {
  for (;;) {
    const next = await socket.frame();
    if (next === null) return null;
    if (next.opcode === Opcode.close) return closeCodeOf(next) as Verdict;
    if (next.opcode !== Opcode.binary) continue;
    for (const message of decodeServerFrame(next.payload)) {
      if (message[0] === MessageType.welcome) return 'welcomed';
      if (message[0] === MessageType.heard && message[1] === number) return 'heard';
    }
  }
}

/** Sends frames until `take` has no more; opens a new connection whenever one was closed. */
async function attack(random: Random, take: () => boolean): Promise<Map<Verdict, number>> {
  const seen = new Map<Verdict, number>();
  let socket: RawSocket | null = null;
  // Probes of damaged frames have smaller numbers.
  let number = 2 ** 40;
  let next = 20;
  while (take()) {
    const isFirst: boolean = socket === null && random.chance(20);
    socket ??= await opened(!isFirst);
    number += 1;
    next += 1;
    const bytes = mutatedFrame(random, next, isFirst);
    const probe = isFirst ? [] : [binary(encodeFrame([[MessageType.probe, number]]))];
    socket.write(Buffer.concat([binary(bytes), ...probe]));
    const found = await verdict(socket, number);
    const wanted = expected(bytes, isFirst);
    if (found !== wanted) expect.fail(`${found}, not ${wanted}, for ${bytes.toString('hex')} (seed ${SEED})`);
    seen.set(wanted, (seen.get(wanted) ?? 0) + 1);
    if (wanted === 'heard' || wanted === 'welcomed') continue;
    socket.destroy();
    socket = null;
  }
  socket?.destroy();
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

  it(`${STREAMS} damaged WebSocket streams end, each with a documented code or the echo of its own`, async () => {
    const random = new Random(SEED);
    const odd: string[] = [];
    for (let i = 0; i < STREAMS; i += SOCKETS) {
      odd.push(...(await Promise.all(Array.from({ length: SOCKETS }, () => oddStream(random)))).flat());
    }
    await scene.check();
    expect(odd).toEqual([]);
  });
});

/**
 * An upgrade, a hello, frames of every opcode, a close: with bits turned after the upgrade, in pieces of any size.
 * Answers with what was wrong with its end, if anything was.
 */
async function oddStream(random: Random): Promise<string[]> {
  using socket = await RawSocket.connect(scene.server.port);
  const opcodes = Object.values(Opcode);
  const frames = Array.from({ length: 1 + random.below(5) }, (_, index) =>
    frame({
      opcode: random.pick(opcodes),
      fin: random.chance(80),
      payload: mutatedFrame(random, index + 1, index === 0),
    }),
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
  const isExpected = code === null || DOCUMENTED.includes(code) || isOfPeer(code);
  return isExpected ? [] : [`${code} for ${bytes.toString('hex')} (seed ${SEED})`];
}

/** The echo of a close code that damage made. */
function isOfPeer(code: number): boolean {
  return (code >= 1000 && code <= 1014) || (code >= 3000 && code <= 4999);
}
