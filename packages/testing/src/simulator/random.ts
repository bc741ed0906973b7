/**
 * Seeded chance. The generator is xoshiro128** 1.1 (David Blackman and Sebastiano Vigna, "Scrambled linear pseudorandom number generators",
 * 2018; https://prng.di.unimi.it/xoshiro128starstar.c), its state 128 bits of the SHA-256 of a name.
 *
 * Everything that draws has a fork of its own, named after it. So one more draw in one place does not change what any other place draws,
 * and a seed still shows much the same run after a change.
 */
import { createHash } from 'node:crypto';

const U32 = 2 ** 32;

export class Random {
  readonly #name: string;
  #a: number;
  #b: number;
  #c: number;
  #d: number;

  constructor(name: string) {
    this.#name = name;
    const hash = createHash('sha256').update(name).digest();
    this.#a = hash.readInt32LE(0);
    this.#b = hash.readInt32LE(4);
    this.#c = hash.readInt32LE(8);
    // One state gives zeros for ever: all zeros.
    this.#d = hash.readInt32LE(12) | 1;
  }

  /** The generator called `name` below this one. It is the same however much either of them was used. */
  fork(name: string): Random {
    return new Random(`${this.#name}/${name}`);
  }

  /** 32 random bits, as a number in [0, 2^32). */
  bits(): number {
    const scrambled = Math.imul(rotate(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotate(this.#d, 11);
    return scrambled >>> 0;
  }

  /** A number in [0, 1). */
  next(): number {
    return this.bits() / U32;
  }

  /** A number in [min, max). */
  between(min: number, max: number): number {
    return min + this.next() * (max - min);
  }

  /** A whole number from `min` to `max`, both included. */
  whole(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1));
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.whole(0, items.length - 1)];
    if (item === undefined) throw new RangeError('there is nothing to pick from');
    return item;
  }

  bytes(count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => this.bits() & 0xff);
  }
}

function rotate(bits: number, by: number): number {
  return (bits << by) | (bits >>> (32 - by));
}
