/** A child process of farm.ts: runs the seeds that it is sent, and sends back what each came to. */
import { type RunResult, runSeed } from './run.js';

/** Seeds from `from` to `to`, both included. */
export interface Task {
  readonly from: number;
  readonly to: number;
}

/** The answer to a task: its runs in order, to the first one with a violation. */
export interface Answer {
  readonly results: readonly RunResult[];
}

// Nobody reads the stacks of the errors with which user code's calls end; one that ends a run is shown by the replay.
Error.stackTraceLimit = 0;

async function work({ from, to }: Task): Promise<Answer> {
  const results: RunResult[] = [];
  for (let seed = from; seed <= to; seed++) {
    const result = await runSeed(seed);
    results.push(result);
    if (result.violation !== null) break;
  }
  return { results };
}

process.on('message', (task: Task) => {
  void work(task).then((answer) => process.send?.(answer));
});
