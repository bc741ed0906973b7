/** Runs many seeds on several child processes. */
import { type ChildProcess, fork } from 'node:child_process';
import type { RunResult } from './run.js';
import type { Answer, Task } from './worker.js';

/** Seeds that a child is given at a time: about a second of work. */
const SEEDS_PER_TASK = 20;

export interface FarmOptions {
  readonly from: number;
  readonly seeds: number;
  readonly workers: number;
  readonly onResult: (result: RunResult) => void;
}

/**
 * Resolves with null when all seeds have run, or with the first run that ended in a violation; then the others are given up.
 * Rejects when a child ends by itself.
 */
export async function runFarm({ from, seeds, workers, onResult }: FarmOptions): Promise<RunResult | null> {
  const end = from + seeds;
  let next = from;
  const take = (): Task | null => {
    if (next >= end) return null;
    const task = { from: next, to: Math.min(end, next + SEEDS_PER_TASK) - 1 };
    next = task.to + 1;
    return task;
  };
  let failed: RunResult | null = null;
  const children: ChildProcess[] = [];
  try {
    await Promise.all(
      Array.from({ length: Math.min(workers, Math.ceil(seeds / SEEDS_PER_TASK)) }, async () => {
        const child = fork(new URL('worker.js', import.meta.url));
        children.push(child);
        for (let task = take(); task !== null && failed === null; task = take()) {
          const { results } = await ask(child, task);
          for (const result of results) {
            onResult(result);
            if (result.violation !== null) failed ??= result;
          }
        }
      }),
    );
  } finally {
    for (const child of children) child.kill();
  }
  return failed;
}

function ask(child: ChildProcess, task: Task): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null): void => {
      reject(new Error(`a worker ended with ${String(code)} while it ran seeds ${task.from} to ${task.to}`));
    };
    child.once('exit', onExit);
    child.once('message', (answer: Answer) => {
      child.off('exit', onExit);
      resolve(answer);
    });
    child.send(task);
  });
}
