import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * The other half of a lock: a resource that checks tokens. It remembers the highest token it has seen and refuses a lower
 * one, so a holder that was paused and comes back after its successor changes nothing. A database does the same with a
 * column and a condition; a real file on one machine would do it under the same lock that protects the write itself.
 */
export class FencedFile {
  #path;
  #fencePath;

  /** @param {string} path */
  constructor(path) {
    this.#path = path;
    this.#fencePath = `${path}.fence`;
  }

  /**
   * @param {string} line
   * @param {number} token of the lock under which the line is written
   */
  append(line, token) {
    const highest = existsSync(this.#fencePath) ? Number(readFileSync(this.#fencePath, 'utf8')) : 0;
    if (token < highest) throw new Error(`token ${token} is older than ${highest}: someone newer wrote`);
    writeFileSync(this.#fencePath, String(token));
    appendFileSync(this.#path, `${line}\n`);
  }
}
