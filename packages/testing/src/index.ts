export { FakeSocket } from './fake-socket.js';
export type { FakeSocketOptions } from './fake-socket.js';
export { ScriptedLog } from './scripted-log.js';
export type { ScriptedFailureKind, ScriptedLogOptions, ScriptedSnapshot } from './scripted-log.js';
export { VirtualClock } from './virtual-clock.js';
export type { VirtualClockOptions } from './virtual-clock.js';
export type { LogCase } from './conformance/case.js';
export type { LogAbility, LogAccident, LogHarness, LogPlace } from './conformance/harness.js';
export { logCases, missingAbilities } from './conformance/index.js';
