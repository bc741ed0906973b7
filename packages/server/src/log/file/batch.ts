/** The entries of one record while they gather, with the callers that wait for them. */
import { RECORD_ENTRIES_MAX, RECORD_HEADER_BYTES, SYNCED_BEFORE, sealRecord } from './segment.js';

/** A record takes no further entry beyond this. One entry may be larger. */
const RECORD_BYTES_MAX = 1024 * 1024;
const BYTES_AT_FIRST = 16 * 1024;

export interface Settler {
  readonly resolve: () => void;
  readonly reject: (reason: Error) => void;
}

export class Batch {
  term = 0;
  firstIndex = 0;
  count = 0;
  readonly settlers: Settler[] = [];
  #bytes = new Uint8Array(BYTES_AT_FIRST);
  #length: number = RECORD_HEADER_BYTES;

  /** Bytes of the record, its header included. */
  get length(): number {
    return this.#length;
  }

  /** Starts anew. */
  begin(term: number, firstIndex: number): void {
    this.term = term;
    this.firstIndex = firstIndex;
    this.count = 0;
    this.settlers.length = 0;
    this.#length = RECORD_HEADER_BYTES;
    if (this.#bytes.length > 2 * RECORD_BYTES_MAX) this.#bytes = new Uint8Array(BYTES_AT_FIRST);
  }

  hasRoom(bytes: number): boolean {
    return this.count === 0 || (this.#length + bytes <= RECORD_BYTES_MAX && this.count < RECORD_ENTRIES_MAX);
  }

  add(body: Uint8Array): void {
    const end = this.#length + body.length;
    if (end > this.#bytes.length) {
      const bytes = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      bytes.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = bytes;
    }
    this.#bytes.set(body, this.#length);
    this.#length = end;
    this.count++;
  }

  /** The record, which is used again after the next begin(). `crc` is its checksum. */
  seal(salt: number, previous: number, syncedBefore: boolean): { readonly bytes: Uint8Array; readonly crc: number } {
    const bytes = this.#bytes.subarray(0, this.#length);
    const { count, firstIndex, term } = this;
    const flags = syncedBefore ? SYNCED_BEFORE : 0;
    return { bytes, crc: sealRecord(bytes, salt, { previous, flags, count, firstIndex, term }) };
  }
}
