import { readFileSync, readdirSync } from 'node:fs';
import { decode } from '@msgpack/msgpack';
import { describe, expect, test } from 'vitest';
import { decodeClientFrame, decodePing, decodeServerFrame, encodeFrame, encodePing } from '../src/frames.js';
import { MessageType } from '../src/messages.js';

interface Golden {
  name: string;
  /** The frame's value as it is sent, and as its reader has it with defaults. */
  sent: unknown;
  read: unknown;
  bytes: Uint8Array;
}

const folder = new URL('golden/', import.meta.url);
const goldens = readdirSync(folder)
  .filter((file) => file.endsWith('.hex'))
  .map((file): Golden => {
    const [sent = '', read = '', ...hex] = readFileSync(new URL(file, folder), 'utf8').split('\n');
    return {
      name: file.slice(0, -'.hex'.length),
      sent: parse(sent, '# sent: '),
      read: parse(read, '# read: '),
      bytes: Uint8Array.from(Buffer.from(hex.join('').replaceAll(' ', ''), 'hex')),
    };
  });

function parse(line: string, label: string): unknown {
  if (!line.startsWith(label)) throw new Error(`expected a line that begins with ${label}`);
  return JSON.parse(line.slice(label.length), (_key, value: unknown) => {
    const isBin = typeof value === 'object' && value !== null && 'bin' in value && typeof value.bin === 'string';
    return isBin ? Uint8Array.from(Buffer.from(value.bin as string, 'hex')) : value;
  });
}

describe('golden frames', () => {
  test.each(goldens)('$name is read as it stands there, and written byte for byte', ({ name, read, bytes }) => {
    if (name === 'ping') {
      const payload = decodePing(bytes);
      expect(payload).toStrictEqual(read);
      expect(encodePing(payload!)).toStrictEqual(bytes);
    } else {
      const messages = name.startsWith('client-') ? decodeClientFrame(bytes) : decodeServerFrame(bytes);
      expect(messages).toStrictEqual(read);
      expect(encodeFrame(messages)).toStrictEqual(bytes);
    }
  });

  test.each(goldens)('$name is what another implementation of MessagePack reads', ({ sent, bytes }) => {
    expect(decode(bytes)).toStrictEqual(sent);
  });

  test('every type of message has a golden frame', () => {
    const types = new Set<unknown>();
    for (const { name, read } of goldens) {
      if (name !== 'ping') for (const message of read as unknown[][]) types.add(message[0]);
    }
    expect(Object.values(MessageType).filter((type) => !types.has(type))).toEqual([]);
  });
});
