import { describe, expect, it } from 'vitest';
import { DiskPort } from '../../src/simulator/disk-port.js';
import { SimulatedDisk } from '../../src/simulator/disk.js';
import { FileImage, SECTOR_BYTES } from '../../src/simulator/file-image.js';
import { SimulatedProcess } from '../../src/simulator/process.js';
import { Random } from '../../src/simulator/random.js';
import { Scheduler } from '../../src/simulator/scheduler.js';

const SEEDS = Array.from({ length: 200 }, (_, i) => i + 1);

function filled(sectors: number, byte: number): Uint8Array {
  return new Uint8Array(sectors * SECTOR_BYTES).fill(byte);
}

/** Byte of each sector of what is there after a crash, for each of many crashes, without repetitions. */
function outcomes(make: () => FileImage): ReadonlySet<string> {
  const found = new Set<string>();
  for (const seed of SEEDS) {
    const file = make();
    file.crash(new Random(`crash ${seed}`));
    const bytes = file.read(0, file.size);
    const sectors = Array.from({ length: Math.ceil(bytes.length / SECTOR_BYTES) }, (_, i) => bytes[i * SECTOR_BYTES]);
    found.add(sectors.join(''));
  }
  return found;
}

describe('a file after a power loss', () => {
  it('has everything that was synced', () => {
    const make = (): FileImage => {
      const file = new FileImage();
      file.write(filled(3, 1), 0);
      file.endSync(file.beginSync());
      return file;
    };
    expect(outcomes(make)).toEqual(new Set(['111']));
  });

  it('has any subset of the sectors that were written since the last sync', () => {
    const make = (): FileImage => {
      const file = new FileImage();
      file.write(filled(3, 1), 0);
      file.endSync(file.beginSync());
      file.write(filled(2, 2), SECTOR_BYTES);
      return file;
    };
    expect(outcomes(make)).toEqual(new Set(['111', '121', '112', '122']));
  });

  it('may have any version of a sector since the last sync, and zeros where a lost sector lies before a kept one', () => {
    const make = (): FileImage => {
      const file = new FileImage();
      file.write(filled(1, 1), 0);
      file.endSync(file.beginSync());
      file.write(filled(1, 2), 0);
      file.write(filled(1, 3), 0);
      file.write(filled(2, 4), SECTOR_BYTES);
      return file;
    };
    const found = outcomes(make);
    for (const version of ['1', '2', '3']) expect([...found].some((text) => text.startsWith(version))).toBe(true);
    expect(found).toContain('104');
    expect(found).toContain('1');
  });

  it('has what a sync covers when it began, not what was written while it was under way', () => {
    const make = (): FileImage => {
      const file = new FileImage();
      file.write(filled(2, 1), 0);
      const begun = file.beginSync();
      file.write(filled(1, 2), 0);
      file.endSync(begun);
      return file;
    };
    expect(outcomes(make)).toEqual(new Set(['11', '21']));
  });

  it('may have bytes again that were cut off', () => {
    const make = (): FileImage => {
      const file = new FileImage();
      file.write(filled(2, 1), 0);
      file.endSync(file.beginSync());
      file.truncate(SECTOR_BYTES);
      return file;
    };
    const found = outcomes(make);
    expect(found).toContain('11');
    expect(found).toContain('1');
  });

  it('may lack what a failed sync was to make durable, though programs read it and later syncs succeed', () => {
    const make = (seed: number): FileImage => {
      const file = new FileImage();
      file.write(filled(2, 1), 0);
      file.failSync(new Random(`fail ${seed}`));
      expect(file.read(0, file.size)).toEqual(filled(2, 1));
      file.endSync(file.beginSync());
      return file;
    };
    const durable = SEEDS.slice(0, 40).map((seed) => {
      const { durableBytes } = make(seed);
      return `${durableBytes[0]}${durableBytes[SECTOR_BYTES]}`;
    });
    expect(new Set(durable)).toEqual(new Set(['00', '01', '10', '11']));
  });
});

interface Scene {
  readonly scheduler: Scheduler;
  readonly disk: SimulatedDisk;
  readonly process: SimulatedProcess;
  readonly port: DiskPort;
}

function scene(seed = 1, step: (process: SimulatedProcess) => void = () => undefined): Scene {
  const scheduler = new Scheduler();
  const random = new Random(`disk ${seed}`);
  const disk = new SimulatedDisk(random.fork('crash'), { durable: () => undefined, renamed: () => undefined });
  const process = new SimulatedProcess(scheduler, { rate: 1, wallMs: 0, timersFirst: true, tickPhase: 0 });
  const chance = random.fork('port');
  const port = new DiskPort({ scheduler, random: chance, disk, process, syncMsMax: 5, step: () => step(process) });
  return { scheduler, disk, process, port };
}

async function finish<T>({ scheduler }: Scene, work: Promise<T>): Promise<T> {
  await scheduler.run();
  return work;
}

describe('the simulated disk', () => {
  it('keeps after a power loss what the directory was at its last sync, and any of the changes since', async () => {
    const found = new Set<string>();
    for (const seed of SEEDS) {
      const here = scene(seed);
      const work = async (): Promise<void> => {
        await here.port.open('a', 'create');
        await here.port.syncDirectory();
        await here.port.rename('a', 'b');
        await here.port.open('c', 'create');
      };
      await finish(here, work());
      here.disk.crash();
      found.add([...here.disk.files.keys()].toSorted().join(' '));
    }
    expect(found).toEqual(new Set(['a', 'a c', 'b', 'b c']));
  });

  it('keeps everything when only the process dies', async () => {
    const here = scene();
    const work = async (): Promise<void> => {
      const file = await here.port.open('a', 'create');
      file.write(filled(1, 1), 0);
    };
    await finish(here, work());
    here.process.kill();
    expect(here.disk.files.get('a')?.read(0, SECTOR_BYTES)).toEqual(filled(1, 1));
  });

  it('lets one process have the directory, until it lets go', async () => {
    const here = scene();
    const work = async (): Promise<string[]> => {
      const names: string[] = [];
      await here.port.lock();
      await here.port.lock().catch((error: Error) => names.push(error.name));
      await here.port.close();
      await here.port.lock();
      return names;
    };
    expect(await finish(here, work())).toEqual(['DirectoryTaken']);
  });

  it('takes nothing more that makes a file longer while it is full', async () => {
    const here = scene();
    const work = async (): Promise<void> => {
      const file = await here.port.open('a', 'create');
      file.write(filled(2, 1), 0);
      here.disk.isFull = true;
      file.write(filled(2, 2), 0);
      expect(() => file.write(filled(1, 3), 2 * SECTOR_BYTES)).toThrow('ENOSPC');
      expect(file.size).toBe(2 * SECTOR_BYTES);
      here.disk.isFull = false;
      file.write(filled(1, 3), 2 * SECTOR_BYTES);
      expect(file.size).toBe(3 * SECTOR_BYTES);
    };
    await finish(here, work());
  });

  it('does nothing for a process that is killed at one of its steps, and never answers it', async () => {
    let stepsLeft = 3;
    const here = scene(1, (process) => {
      stepsLeft -= 1;
      if (stepsLeft === 0) process.kill();
    });
    let answered = 0;
    const work = async (): Promise<void> => {
      const file = await here.port.open('a', 'create');
      answered += 1;
      file.write(filled(1, 1), 0);
      file.write(filled(1, 2), 0);
      await file.sync();
      answered += 1;
    };
    void work();
    await here.scheduler.run();
    expect(answered).toBe(1);
    expect(here.disk.files.get('a')?.read(0, SECTOR_BYTES)).toEqual(filled(1, 1));
  });
});
