/**
 * MessagePack in, strict: messages are read element by element straight from the bytes, each with the type and the bounds that it must have,
 * so nothing is built for a frame that is refused. Every refusal is a BadMessage that says what was expected where; it never repeats
 * what the peer sent.
 */
import { BadMessage } from './errors.js';
import { DEPTH_MAX } from './limits.js';
import { CACHED_KEY_BYTES_MAX, cachedKey } from './key-cache.js';
import { readUtf8 } from './utf8.js';

const TWO_32 = 4_294_967_296;
/** From this high half on, a 64-bit integer is beyond 2^53 - 1. */
const HIGH_UNSAFE = 0x200000;

export class Reader {
  /** The length in bytes of the str that was read last. */
  stringBytes = 0;
  private readonly bytes: Uint8Array;
  private readonly end: number;
  private position = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.end = bytes.length;
  }

  /** The number of elements of the array that begins here. `what` names it in the error's text, here and below. */
  arrayHeader(what: string): number {
    const byte = this.byte();
    const length =
      (byte & 0xf0) === 0x90 ? byte & 0x0f : byte === 0xdc ? this.uint16() : byte === 0xdd ? this.uint32() : -1;
    if (length < 0) throw this.unexpected(what, 'an array', byte);
    this.checkRoom(length);
    return length;
  }

  /** The number of entries of the map that begins here. */
  mapHeader(what: string): number {
    const byte = this.byte();
    const entries =
      (byte & 0xf0) === 0x80 ? byte & 0x0f : byte === 0xde ? this.uint16() : byte === 0xdf ? this.uint32() : -1;
    if (entries < 0) throw this.unexpected(what, 'a map', byte);
    this.checkRoom(entries * 2);
    return entries;
  }

  /** An integer of `min` to `max`, in an integer format or as a float 64 with an integral value. */
  integer(what: string, min = 0, max = Number.MAX_SAFE_INTEGER): number {
    const { bytes } = this;
    const at = this.position;
    const byte = bytes[at] ?? this.truncated();
    // The two forms that request numbers mostly have are read apart from the rest, which may give a float: worth a tenth of an acquire's time.
    if (byte < 0x80) {
      this.position = at + 1;
      if (byte >= min && byte <= max) return byte;
    } else if (byte === 0xcd && at + 2 < this.end) {
      this.position = at + 3;
      const value = ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
      if (value >= min && value <= max) return value;
    } else {
      this.position = at + 1;
      const value = this.integerAfter(byte, what);
      if (value >= min && value <= max) return value;
    }
    throw this.refusal(`${what}: expected an integer from ${min} to ${max}`);
  }

  integerOrNil(what: string, min = 0, max = Number.MAX_SAFE_INTEGER): number | null {
    return this.nil() ? null : this.integer(what, min, max);
  }

  boolean(what: string): boolean {
    const byte = this.byte();
    if (byte !== 0xc2 && byte !== 0xc3) throw this.unexpected(what, 'true or false', byte);
    return byte === 0xc3;
  }

  /** True when the next value is nil, which then has been read. */
  nil(): boolean {
    if (this.bytes[this.position] !== 0xc0) return false;
    this.position++;
    return true;
  }

  /** A str of `bytesMin` to `bytesMax` bytes of UTF-8. */
  string(what: string, bytesMin = 0, bytesMax = Number.MAX_SAFE_INTEGER): string {
    const length = this.stringHeader(what);
    if (length < bytesMin || length > bytesMax) {
      throw this.refusal(`${what}: expected a str of ${bytesMin} to ${bytesMax} bytes, found ${length}`);
    }
    return this.text(length);
  }

  /** A map's key. Few different ones occur, over and over: they come from a cache when they are there. */
  key(what: string): string {
    const length = this.stringHeader(what);
    if (length > CACHED_KEY_BYTES_MAX) return this.text(length);
    const start = this.take(length);
    this.stringBytes = length;
    const key = cachedKey(this.bytes, start, length);
    if (key === null) {
      this.position = start;
      return this.text(length);
    }
    return key;
  }

  /** A bin of exactly `length` bytes, as a copy that outlives the frame. */
  binary(what: string, length: number): Uint8Array<ArrayBuffer> {
    const byte = this.byte();
    const found = byte === 0xc4 ? this.byte() : byte === 0xc5 ? this.uint16() : byte === 0xc6 ? this.uint32() : -1;
    if (found < 0) throw this.unexpected(what, 'a bin', byte);
    if (found !== length) throw this.refusal(`${what}: expected a bin of ${length} bytes, found ${found}`);
    return this.copy(length);
  }

  /**
   * Any value; `level` is the nesting level of a container that begins here, 1 for the outermost. bin becomes a copy; a map becomes a plain
   * object with own properties only, whatever its keys are called.
   */
  value(level: number): unknown {
    const byte = this.byte();
    if (byte < 0x80) return byte;
    if (byte < 0x90) return this.map(byte & 0x0f, level);
    if (byte < 0xa0) return this.array(byte & 0x0f, level);
    if (byte < 0xc0) return this.text(byte & 0x1f);
    switch (byte) {
      case 0xc0:
        return null;
      case 0xc2:
        return false;
      case 0xc3:
        return true;
      case 0xc4:
        return this.copy(this.byte());
      case 0xc5:
        return this.copy(this.uint16());
      case 0xc6:
        return this.copy(this.uint32());
      case 0xca:
        return this.float(this.float32());
      case 0xcb:
        return this.float(this.float64());
      case 0xd9:
        return this.text(this.byte());
      case 0xda:
        return this.text(this.uint16());
      case 0xdb:
        return this.text(this.uint32());
      case 0xdc:
        return this.array(this.uint16(), level);
      case 0xdd:
        return this.array(this.uint32(), level);
      case 0xde:
        return this.map(this.uint16(), level);
      case 0xdf:
        return this.map(this.uint32(), level);
      default:
        return this.integerAfter(byte, 'a value');
    }
  }

  /** A map of str to anything, as `value` reads it. */
  mapValue(what: string, level: number): Record<string, unknown> {
    return this.map(this.mapHeader(what), level);
  }

  /** Reads `count` values and drops them: elements that this version does not know. */
  skip(count: number, level: number): void {
    for (let i = 0; i < count; i++) this.value(level);
  }

  /** Refuses bytes after the last value. */
  finish(): void {
    const left = this.end - this.position;
    if (left > 0) throw this.refusal(`${left} bytes after the value`);
  }

  /** The error that says `text` and where it was. */
  refusal(text: string): BadMessage {
    return new BadMessage(`${text} (before byte ${this.position})`);
  }

  private stringHeader(what: string): number {
    const byte = this.byte();
    if ((byte & 0xe0) === 0xa0) return byte & 0x1f;
    switch (byte) {
      case 0xd9:
        return this.byte();
      case 0xda:
        return this.uint16();
      case 0xdb:
        return this.uint32();
      default:
        throw this.unexpected(what, 'a str', byte);
    }
  }

  private array(length: number, level: number): unknown[] {
    this.checkLevel(level);
    this.checkRoom(length);
    const values: unknown[] = [];
    for (let i = 0; i < length; i++) values.push(this.value(level + 1));
    return values;
  }

  private map(entries: number, level: number): Record<string, unknown> {
    this.checkLevel(level);
    this.checkRoom(entries * 2);
    const object: Record<string, unknown> = {};
    for (let i = 0; i < entries; i++) {
      const key = this.key('a map key');
      if (Object.hasOwn(object, key)) throw this.refusal('a map key that occurs twice');
      setOwn(object, key, this.value(level + 1));
    }
    return object;
  }

  private text(length: number): string {
    const start = this.take(length);
    this.stringBytes = length;
    const text = readUtf8(this.bytes, start, start + length);
    if (text === null) throw this.refusal('a str that is not valid UTF-8');
    return text;
  }

  private copy(length: number): Uint8Array<ArrayBuffer> {
    const start = this.take(length);
    // Not slice: on a Buffer of Node that would be a view of the frame.
    const copy = new Uint8Array(length);
    copy.set(this.bytes.subarray(start, start + length));
    return copy;
  }

  private integerAfter(byte: number, what: string): number {
    if (byte < 0x80) return byte;
    if (byte >= 0xe0) return byte - 0x100;
    switch (byte) {
      case 0xcc:
        return this.byte();
      case 0xcd:
        return this.uint16();
      case 0xce:
        return this.uint32();
      case 0xcf: {
        const high = this.uint32();
        if (high >= HIGH_UNSAFE) throw this.refusal(`${what}: an integer beyond 2^53 - 1`);
        return high * TWO_32 + this.uint32();
      }
      case 0xd0:
        return (this.byte() << 24) >> 24;
      case 0xd1:
        return (this.uint16() << 16) >> 16;
      case 0xd2:
        return this.uint32() | 0;
      case 0xd3: {
        const high = this.uint32() | 0;
        const value = high * TWO_32 + this.uint32();
        if (!Number.isSafeInteger(value)) throw this.refusal(`${what}: an integer beyond 2^53 - 1`);
        return value;
      }
      case 0xcb: {
        const value = this.float64();
        if (!Number.isSafeInteger(value)) throw this.refusal(`${what}: expected an integer, found another float`);
        return value;
      }
      default:
        throw this.unexpected(what, 'an integer', byte);
    }
  }

  /** A float that stands for an integer is held to the bounds of integers, so that whatever is read can be written. */
  private float(value: number): number {
    if (Number.isInteger(value) && !Number.isSafeInteger(value)) throw this.refusal('an integer beyond 2^53 - 1');
    return value;
  }

  // Both floats: adding 0 makes 0 of -0, which no integer format can say.
  private float32(): number {
    const start = this.take(4);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + start, 4).getFloat32(0) + 0;
  }

  private float64(): number {
    const start = this.take(8);
    return new DataView(this.bytes.buffer, this.bytes.byteOffset + start, 8).getFloat64(0) + 0;
  }

  private byte(): number {
    return this.bytes[this.position++] ?? this.truncated();
  }

  private uint16(): number {
    const at = this.take(2);
    const { bytes } = this;
    return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  }

  private uint32(): number {
    const at = this.take(4);
    const { bytes } = this;
    const high = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
    return ((high << 16) | ((bytes[at + 2] ?? 0) << 8) | (bytes[at + 3] ?? 0)) >>> 0;
  }

  /** The position of the next `length` bytes, which then count as read. */
  private take(length: number): number {
    const start = this.position;
    if (length > this.end - start) this.truncated();
    this.position = start + length;
    return start;
  }

  /** Every value takes a byte, so a length that claims more values than there are bytes is refused before anything is built for it. */
  private checkRoom(values: number): void {
    if (values > this.end - this.position) this.truncated();
  }

  private checkLevel(level: number): void {
    if (level > DEPTH_MAX) throw this.refusal(`values nested more than ${DEPTH_MAX} levels deep`);
  }

  private truncated(): never {
    throw new BadMessage(`the frame ends inside a value (it has ${this.bytes.length} bytes)`);
  }

  private unexpected(what: string, wanted: string, found: number): BadMessage {
    return this.refusal(`${what}: expected ${wanted}, found ${formatName(found)}`);
  }
}

/** Sets an own property whatever its name is: assigning to `__proto__` would set the prototype instead. */
export function setOwn<T>(object: Record<string, T>, key: string, value: T): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
  } else {
    object[key] = value;
  }
}

function formatName(byte: number): string {
  if (byte < 0x80 || byte >= 0xe0 || (byte >= 0xcc && byte <= 0xd3)) return 'an integer';
  if (byte < 0x90 || byte === 0xde || byte === 0xdf) return 'a map';
  if (byte < 0xa0 || byte === 0xdc || byte === 0xdd) return 'an array';
  if (byte < 0xc0 || (byte >= 0xd9 && byte <= 0xdb)) return 'a str';
  if (byte === 0xc0) return 'nil';
  if (byte === 0xc1) return 'the byte 0xc1, which MessagePack never uses';
  if (byte <= 0xc3) return 'a boolean';
  if (byte <= 0xc6) return 'a bin';
  if (byte === 0xca || byte === 0xcb) return 'a float';
  return 'an extension type';
}
