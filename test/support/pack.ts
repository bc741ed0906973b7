/**
 * MessagePack written by hand, apart from the product's codec: it says what the codec would refuse to say, malformed bytes too.
 */

/** Bytes that go into the frame as they are. */
export class Raw {
  readonly bytes: Uint8Array;
  constructor(...bytes: number[]) {
    this.bytes = Uint8Array.from(bytes);
  }
}

/** A float 64, whatever the value. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export type Packable =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | Raw
  | Float
  | readonly Packable[]
  | ReadonlyMap<Packable, Packable>
  | { readonly [key: string]: Packable };

export function pack(value: Packable): Buffer {
  if (value === null) return Buffer.from([0xc0]);
  if (typeof value === 'boolean') return Buffer.from([value ? 0xc3 : 0xc2]);
  if (typeof value === 'number') return packNumber(value);
  if (typeof value === 'bigint') return packWide(value);
  if (typeof value === 'string') return packText(Buffer.from(value, 'utf8'));
  if (value instanceof Raw) return Buffer.from(value.bytes);
  if (value instanceof Float) return packFloat(value.value);
  if (value instanceof Uint8Array) return Buffer.concat([head(0xc4, 1, value.length), value]);
  if (Array.isArray(value)) {
    const items = value as readonly Packable[];
    const first = items.length < 16 ? Buffer.from([0x90 | items.length]) : head(0xdd, 4, items.length);
    return Buffer.concat([first, ...items.map(pack)]);
  }
  const entries = value instanceof Map ? [...value] : Object.entries(value as Record<string, Packable>);
  const first = entries.length < 16 ? Buffer.from([0x80 | entries.length]) : head(0xdf, 4, entries.length);
  return Buffer.concat([first, ...entries.flatMap(([key, item]) => [pack(key as Packable), pack(item as Packable)])]);
}

/** A str of these bytes, be they UTF-8 or not. */
export function packText(bytes: Uint8Array): Buffer {
  return Buffer.concat([bytes.length < 32 ? Buffer.from([0xa0 | bytes.length]) : head(0xdb, 4, bytes.length), bytes]);
}

/** A byte of format and a length of 1 or 4 bytes. */
function head(format: number, size: 1 | 4, length: number): Buffer {
  const bytes = Buffer.alloc(1 + size);
  bytes[0] = format;
  bytes.writeUIntBE(length, 1, size);
  return bytes;
}

function packNumber(value: number): Buffer {
  if (!Number.isInteger(value)) return packFloat(value);
  if (value >= 0 && value < 0x80) return Buffer.from([value]);
  return packWide(BigInt(value));
}

function packFloat(value: number): Buffer {
  const bytes = Buffer.alloc(9, 0xcb);
  bytes.writeDoubleBE(value, 1);
  return bytes;
}

function packWide(value: bigint): Buffer {
  const bytes = Buffer.alloc(9, value < 0n ? 0xd3 : 0xcf);
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value), 1);
  return bytes;
}
