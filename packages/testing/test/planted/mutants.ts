/**
 * Bugs that are planted into the built product, to see that the simulator's checkers find them. Each is as small as a slip of the pen, and each is a
 * rule of docs/decisions/ and PROTOCOL.md broken in one place.
 */

export interface Mutant {
  readonly name: string;
  /** Below packages/. */
  readonly file: string;
  /** Occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** Rules that it may break first. */
  readonly checkers: readonly string[];
}

export const mutants: readonly Mutant[] = [
  // ---- the log and what is said of it ---------------------------------------------------------------------------------------
  {
    name: 'an answer before its entry is durable',
    file: 'server/dist/sequencer.js',
    find: 'return this.#log.append(entry).then(this.#landed, (reason) => this.#notLanded(entry, reason));',
    replace: 'this.#log.append(entry).catch(() => undefined); return Promise.resolve().then(this.#landed);',
    checkers: ['durable-first'],
  },
  {
    name: 'an append that did not land is taken for one that did',
    file: 'server/dist/sequencer.js',
    find: "if (kind === 'not-landed')\n            this.#giveUp();",
    replace: "if (kind === 'not-landed')\n            while (this.#appending.length > 0) this.#apply();",
    checkers: ['durable-first'],
  },
  {
    name: 'log time begins a term at the wall clock',
    file: 'server/dist/sequencer.js',
    find: 'this.#baseMs = this.#machine.nowMs;',
    replace: 'this.#baseMs = Math.max(this.#machine.nowMs, Math.floor(this.#clock.wallMs()) - 1767225600000);',
    checkers: ['sessions', 'clients-view', 'exclusion'],
  },
  {
    name: 'the floor of a term is not looked at',
    file: 'core/dist/machine.js',
    find: 'state.token = Math.max(state.token, command.tokenFloor);',
    replace: '',
    checkers: ['tokens'],
  },
  // ---- the disk -----------------------------------------------------------------------------------------------------------------
  {
    name: 'a record whose checksum does not match is taken',
    file: 'server/dist/log/file/segment.js',
    find: 'return crc32(bytes.subarray(at + 4, end), salt) === header.crc ? header : null;',
    replace: 'return header;',
    // `crash`: the trace reads the bytes with the product's own reader, which may stumble first.
    checkers: ['recovery', 'log', 'disk', 'durable-first', 'crash'],
  },
  {
    name: 'what an earlier process could not sync is taken for synced',
    file: 'server/dist/log/file/recovery.js',
    find: 'file.write(bytes.subarray(restart, place.offset), restart);',
    replace: '',
    checkers: ['durable-first', 'log', 'disk', 'recovery', 'sessions'],
  },
  {
    name: 'the directory is not synced after a rename',
    file: 'server/dist/log/file/trouble.js',
    find: 'await disk.syncDirectory();',
    replace: '',
    checkers: ['durable-first', 'recovery', 'disk', 'log'],
  },
  {
    name: 'a snapshot gets its name before its content is synced',
    file: 'server/dist/log/file/snapshot-writer.js',
    find: 'await syncOrBreak(file, broken);\n                return chunks.rows;',
    replace: 'return chunks.rows;',
    checkers: ['recovery'],
  },
  {
    name: 'segments go that the older snapshot still needs',
    file: 'server/dist/log/file/snapshots.js',
    find: 'const oldest = kept.at(-SNAPSHOTS_KEPT) ?? 0;',
    replace: 'const oldest = kept.at(-1) ?? 0;',
    checkers: ['recovery'],
  },
  {
    name: 'a record is acknowledged when it is written, not when it is synced',
    file: 'server/dist/log/file/writer.js',
    find: 'segment.file.sync().then(this.#onSynced, this.#onFailed);',
    replace: 'segment.file.sync().catch(this.#onFailed); Promise.resolve().then(this.#onSynced);',
    checkers: ['durable-first'],
  },
  // ---- what a snapshot has --------------------------------------------------------------------------------------------------
  {
    name: 'a snapshot forgets how requests ended',
    file: 'core/dist/snapshot-walk.js',
    find: 'this.write(endingRow(ending));',
    replace: 'void endingRow(ending);',
    checkers: ['durable-first', 'grants'],
  },
  {
    name: 'a snapshot forgets which request numbers were used',
    file: 'core/dist/snapshot-reader.js',
    find: 'session.lastRequest = lastRequest;',
    replace: '',
    checkers: ['durable-first', 'fifo', 'tokens', 'grants', 'waiters'],
  },
  {
    name: 'a snapshot forgets the counter of tokens',
    file: 'core/dist/snapshot-reader.js',
    find: 'state.token = reader.integer();',
    replace: 'reader.integer();',
    checkers: ['tokens', 'grants'],
  },
  {
    name: 'what changes while a snapshot is read is not kept for it',
    file: 'core/dist/snapshot-walk.js',
    find: 'this.early.add(request);\n        this.writeRequest(request);',
    replace: 'this.early.add(request);',
    checkers: ['durable-first', 'fifo', 'tokens', 'grants', 'waiters', 'clients-view', 'exclusion', 'recovery'],
  },
  // ---- locks ---------------------------------------------------------------------------------------------------------------------
  {
    name: 'the last one to come is the first one to hold',
    file: 'core/dist/request-list.js',
    find: 'append(key, request);\n    key.firstWaiting ??= request;',
    replace: [
      'const next = key.firstWaiting;',
      'if (next === null) append(key, request);',
      'else {',
      '  request.previous = next.previous; request.next = next; next.previous = request;',
      '  if (request.previous === null) key.first = request; else request.previous.next = request;',
      '}',
      'key.firstWaiting = request;',
    ].join('\n'),
    checkers: ['fifo'],
  },
  {
    name: 'a session that ends stays in the queues',
    file: 'core/dist/sessions.js',
    find: 'leave(state, request);',
    replace: 'if (request.held) leave(state, request);',
    checkers: ['fifo', 'waiters', 'durable-first'],
  },
  {
    name: 'a session that ends lets nobody in',
    file: 'core/dist/sessions.js',
    find: 'settle(state, request.keyState, effects);',
    replace: '',
    checkers: ['waiters', 'durable-first', 'fifo', 'tokens'],
  },
  {
    name: 'an acquire that is sent again is a new one',
    file: 'core/dist/locks.js',
    find: 'if (command.request <= session.lastRequest) {',
    replace: 'if (false) {',
    checkers: ['fifo', 'tokens', 'durable-first', 'grants', 'waiters'],
  },
  // ---- sessions ------------------------------------------------------------------------------------------------------------------
  {
    name: 'no grace after a restart',
    file: 'server/dist/session/sessions.js',
    find: 'this.#admit(view.id, view.timeoutMs, view.resumable);\n            if',
    replace: 'this.#admit(view.id, view.timeoutMs / 3, view.resumable);\n            if',
    checkers: ['sessions'],
  },
  {
    name: 'a silent session ends in the callback of a timer',
    file: 'server/dist/session/liveness.js',
    find: 'const lateMs = this.nowMs() - this.#timerDueMs - GRAIN_MS;',
    replace: 'return this.#check(); const lateMs = 0;',
    checkers: ['sessions'],
  },
  {
    name: 'a secret is spent before its successor has arrived',
    file: 'core/dist/sessions.js',
    find: 'session.olderHashes = older;',
    replace: 'session.olderHashes = null;',
    checkers: ['sessions', 'clients-view'],
  },
  {
    name: 'a resumed client is not told of holds without a lease',
    file: 'server/dist/session/welcome.js',
    find: 'holds.push([request.number, key, mode, request.token, leaseEndMs]);',
    replace: 'if (leaseEndMs !== null) holds.push([request.number, key, mode, request.token, leaseEndMs]);',
    checkers: ['clients-view'],
  },
  // ---- the client ----------------------------------------------------------------------------------------------------------------
  {
    name: 'the deadline of the client counts from the ping that acknowledges',
    file: 'client/dist/session.js',
    find: 'this.#liveness.pongHeard(heard, heardMs);',
    replace: 'this.#liveness.heard(this.#parts.clock.nowMs());',
    checkers: ['clients-view', 'exclusion'],
  },
  {
    name: 'a late grant counts as a sign of life',
    file: 'client/dist/locks.js',
    find: "this.#liveness.heard(request.sentMs);\n        if (request.phase === 'waiting') {",
    replace: "this.#liveness.heard(this.#clock.nowMs());\n        if (request.phase === 'waiting') {",
    checkers: ['clients-view', 'exclusion'],
  },
  {
    name: 'a grant that comes again is taken after the release',
    file: 'client/dist/locks.js',
    find: "if (request.phase === 'waiting') {\n            this.#take(request, token, leaseEndMs);",
    replace: "if (request.phase !== 'held') {\n            this.#take(request, token, leaseEndMs);",
    checkers: ['grants', 'waiters', 'exclusion', 'clients-view', 'convergence', 'sessions'],
  },
  {
    name: 'the client does not look at its deadline',
    file: 'client/dist/guard.js',
    find: 'else if (this.#guarded.hasClaims && nowMs >= this.#liveness.deadlineMs)',
    replace: 'else if (false)',
    checkers: ['clients-view', 'exclusion'],
  },
  {
    name: 'a lease that is being shortened counts as long as before',
    file: 'client/dist/holds.js',
    find: 'for (const { leaseMs, sentMs } of request.extends ?? []) {',
    replace: 'for (const { leaseMs, sentMs } of []) {',
    checkers: ['clients-view', 'exclusion'],
  },
];
