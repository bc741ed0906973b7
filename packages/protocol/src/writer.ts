/**
 * MessagePack out: shortest forms into a shared chunk of memory, from which frames are handed out as views.
 * A byte that has been handed out is never written again; a frame larger than a chunk gets memory of its own.
 */
import { DEPTH_MAX } from './limits.js';
import { utf8Length, writeUtf8 } from './utf8.js';

/** Large enough to serve thousands of frames, small enough that a view somebody keeps does not keep much. */
const CHUNK_BYTES = 32_768;
/** The longest header of a str, bin, array or map, and the longest integer or float with its format byte. */
const HEADER_BYTES_MAX = 9;
const TWO_32 = 4_294_967_296;

export class Writer {
  private bytes = new Uint8Array(0);
  private position = 0;
  /** Where the frame being written began. Invariant: bytes before it have been handed out. */
  private frameStart = 0;
  private readonly floatBytes = new Uint8Array(8);
  private readonly float = new DataView(this.floatBytes.buffer);

  /** Begins a frame, and drops one that was given up because a value could not be written. */
  begin(): void {
    this.position = this.frameStart;
  }

  /** The frame since `begin`. */
  finish(): Uint8Array<ArrayBuffer> {
    const { bytes, frameStart, position } = this;
    if (bytes.length > CHUNK_BYTES) {
      // The frame outgrew the chunk. Its memory was grown by doubling; what is handed out is of exact size, because it may wait in a socket for long.
      this.bytes = new Uint8Array(0);
      this.position = this.frameStart = 0;
      return bytes.slice(frameStart, position);
    }
    this.frameStart = position;
    return new Uint8Array(bytes.buffer, frameStart, position - frameStart);
  }

  arrayHeader(length: number): void {
    this.header(length, 0x90, 15, 0, 0xdc, 0xdd);
  }

  mapHeader(entries: number): void {
    this.header(entries, 0x80, 15, 0, 0xde, 0xdf);
  }

  nil(): void {
    this.reserve(1);
    this.bytes[this.position++] = 0xc0;
  }

  boolean(value: boolean): void {
    this.reserve(1);
    this.bytes[this.position++] = value ? 0xc3 : 0xc2;
  }

  /** An unsigned integer up to 2^53 - 1; RangeError for any other number. */
  uint(value: number): void {
    this.reserve(HEADER_BYTES_MAX);
    const { bytes } = this;
    let at = this.position;
    if (value >>> 0 === value) {
      if (value < 0x80) {
        bytes[at++] = value;
      } else if (value < 0x100) {
        bytes[at++] = 0xcc;
        bytes[at++] = value;
      } else if (value < 0x10000) {
        bytes[at++] = 0xcd;
        at = write16(bytes, at, value);
      } else {
        bytes[at++] = 0xce;
        at = write32(bytes, at, value);
      }
    } else {
      if (!Number.isSafeInteger(value) || value < 0) {
        throw new RangeError(`not an unsigned integer below 2^53: ${value}`);
      }
      bytes[at++] = 0xcf;
      at = write32(bytes, at, Math.floor(value / TWO_32));
      at = write32(bytes, at, value >>> 0);
    }
    this.position = at;
  }

  uintOrNil(value: number | null): void {
    if (value === null) this.nil();
    else this.uint(value);
  }

  /** A str; RangeError when `text` has a lone surrogate. */
  string(text: string): void {
    const { length } = text;
    if (length < 0x100) {
      // Most strings are short and ASCII: written with the header that fits if that is so, and again from the start if it is not.
      this.reserve(HEADER_BYTES_MAX + length);
      const { bytes } = this;
      let at = this.position;
      if (length < 32) {
        bytes[at++] = 0xa0 | length;
      } else {
        bytes[at++] = 0xd9;
        bytes[at++] = length;
      }
      let i = 0;
      for (; i < length; i++) {
        const unit = text.charCodeAt(i);
        if (unit >= 0x80) break;
        bytes[at++] = unit;
      }
      if (i === length) {
        this.position = at;
        return;
      }
    }
    const bytesLength = utf8Length(text);
    if (bytesLength < 0) throw new RangeError('a string with a lone surrogate cannot be written as UTF-8');
    this.header(bytesLength, 0xa0, 31, 0xd9, 0xda, 0xdb);
    this.reserve(bytesLength);
    this.position = writeUtf8(text, this.bytes, this.position);
  }

  binary(value: Uint8Array): void {
    this.header(value.length, 0, -1, 0xc4, 0xc5, 0xc6);
    this.reserve(value.length);
    this.bytes.set(value, this.position);
    this.position += value.length;
  }

  /** A number: integral values as the shortest integer, others as float 64. RangeError for integers beyond 2^53 - 1. */
  number(value: number): void {
    if (value >= 0 && Number.isInteger(value)) {
      this.uint(value);
      return;
    }
    this.reserve(HEADER_BYTES_MAX);
    const { bytes } = this;
    let at = this.position;
    if (!Number.isInteger(value)) {
      this.float.setFloat64(0, value);
      bytes[at++] = 0xcb;
      bytes.set(this.floatBytes, at);
      at += 8;
    } else if (value >= -0x20) {
      bytes[at++] = value;
    } else if (value >= -0x80) {
      bytes[at++] = 0xd0;
      bytes[at++] = value;
    } else if (value >= -0x8000) {
      bytes[at++] = 0xd1;
      at = write16(bytes, at, value);
    } else if (value >= -0x80000000) {
      bytes[at++] = 0xd2;
      at = write32(bytes, at, value);
    } else if (Number.isSafeInteger(value)) {
      bytes[at++] = 0xd3;
      at = write32(bytes, at, Math.floor(value / TWO_32));
      at = write32(bytes, at, value >>> 0);
    } else {
      throw new RangeError(`not an integer above -2^53: ${value}`);
    }
    this.position = at;
  }

  /**
   * Any value of the wire: null, boolean, number, string, Uint8Array, array, plain object. `level` is the nesting level of a container
   * written here, 1 for the outermost. undefined is left out at the end of an array and as a property. TypeError for everything else;
   * RangeError for more than DEPTH_MAX levels, unsafe integers and lone surrogates.
   */
  value(value: unknown, level: number): void {
    if (typeof value === 'string') this.string(value);
    else if (typeof value === 'number') this.number(value);
    else if (value === null) this.nil();
    else if (typeof value === 'boolean') this.boolean(value);
    else if (Array.isArray(value)) this.array(value, level);
    else if (value instanceof Uint8Array) this.binary(value);
    else if (isPlainObject(value)) this.map(value, level);
    else throw new TypeError(`a value of type ${typeof value} cannot be written as MessagePack`);
  }

  private array(values: readonly unknown[], level: number): void {
    checkLevel(level);
    let { length } = values;
    while (length > 0 && values[length - 1] === undefined) length--;
    this.arrayHeader(length);
    for (let i = 0; i < length; i++) this.value(values[i], level + 1);
  }

  private map(object: Readonly<Record<string, unknown>>, level: number): void {
    checkLevel(level);
    const keys = Object.keys(object);
    let entries = 0;
    for (const key of keys) if (object[key] !== undefined) entries++;
    this.mapHeader(entries);
    for (const key of keys) {
      const value = object[key];
      if (value === undefined) continue;
      this.string(key);
      this.value(value, level + 1);
    }
  }

  /** `format8` 0: the type has no form with an 8-bit length. */
  private header(
    length: number,
    fixed: number,
    fixedMax: number,
    format8: number,
    format16: number,
    format32: number,
  ): void {
    this.reserve(HEADER_BYTES_MAX);
    const { bytes } = this;
    let at = this.position;
    if (length <= fixedMax) {
      bytes[at++] = fixed | length;
    } else if (length < 0x100 && format8 !== 0) {
      bytes[at++] = format8;
      bytes[at++] = length;
    } else if (length < 0x10000) {
      bytes[at++] = format16;
      at = write16(bytes, at, length);
    } else {
      bytes[at++] = format32;
      at = write32(bytes, at, length);
    }
    this.position = at;
  }

  private reserve(count: number): void {
    if (this.position + count > this.bytes.length) this.grow(count);
  }

  private grow(count: number): void {
    const written = this.bytes.subarray(this.frameStart, this.position);
    const needed = written.length + count;
    const bytes = new Uint8Array(needed <= CHUNK_BYTES ? CHUNK_BYTES : needed * 2);
    bytes.set(written);
    this.bytes = bytes;
    this.frameStart = 0;
    this.position = written.length;
  }
}

/** A typed array keeps the low 8 bits of what is stored, so nothing is masked here. */
function write16(bytes: Uint8Array, at: number, value: number): number {
  bytes[at++] = value >> 8;
  bytes[at++] = value;
  return at;
}

function write32(bytes: Uint8Array, at: number, value: number): number {
  bytes[at++] = value >>> 24;
  bytes[at++] = value >> 16;
  bytes[at++] = value >> 8;
  bytes[at++] = value;
  return at;
}

function checkLevel(level: number): void {
  if (level > DEPTH_MAX) throw new RangeError(`a value nested more than ${DEPTH_MAX} levels deep cannot be written`);
}

/** An object literal or one without a prototype, of any realm; class instances, Map, Date and functions are none. */
function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
