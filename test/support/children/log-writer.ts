/**
 * A process with a file log that ends itself after the n-th operation of its disk, by SIGKILL. It goes through two
 * changes of segments and three snapshots. What was acknowledged is written to standard output before anything else happens.
 */
import { writeSync } from 'node:fs';
import { FileLog, SystemDisk, systemClock } from '@holdfast/server';
import { type StepFacts, entryAt, rowsUpTo, STEPS_ENTRIES, STEPS_SEGMENT_BYTES, STEPS_SNAPSHOTS } from '../steps.js';
import { SteppingDisk } from '../stepping-disk.js';

const { directory, endAfter } = JSON.parse(process.argv[2] ?? '{}') as StepFacts;

function end(): void {
  process.kill(process.pid, 'SIGKILL');
  // The signal comes to this thread before anything else of it runs on.
  for (;;);
}

function say(line: string): void {
  writeSync(1, `${line}\n`);
}

const disk = new SteppingDisk(new SystemDisk(directory), (step) => {
  if (step === endAfter) end();
});
const log = new FileLog({ disk, clock: systemClock, fsync: 'always', segmentBytes: STEPS_SEGMENT_BYTES });
const term = await log.open();
for (let index = 1; index <= STEPS_ENTRIES; index++) {
  await log.append(entryAt(index, term));
  say(`appended ${index}`);
  if (STEPS_SNAPSHOTS.includes(index)) {
    await log.saveSnapshot({ index, term, rows: rowsUpTo(index) });
    say(`saved ${index}`);
  }
}
await log.close();
say(`steps ${disk.steps}`);
process.disconnect();
