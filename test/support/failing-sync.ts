/**
 * An error of the disk in a process that nobody prepared for it: the k-th fdatasync of the process fails with EIO, and what was written last
 * is gone, as it is when the system drops a page that it could not write. All later ones succeed, as they do then.
 */
export function failingSync(k: number): Record<string, string> {
  const program = `
    import fs from 'node:fs';
    import { syncBuiltinESMExports } from 'node:module';
    const { fdatasync, writeSync } = fs;
    let syncs = 0;
    let last = { fd: -1, length: 0, position: 0 };
    fs.writeSync = (fd, ...rest) => {
      const length = writeSync(fd, ...rest);
      if (typeof rest[3] === 'number') last = { fd, length, position: rest[3] };
      return length;
    };
    fs.fdatasync = (fd, done) => {
      syncs += 1;
      if (syncs !== ${k}) return fdatasync(fd, done);
      if (last.fd === fd) writeSync(fd, new Uint8Array(last.length), 0, last.length, last.position);
      const error = new Error('EIO: i/o error, fdatasync');
      setImmediate(done, Object.assign(error, { code: 'EIO', errno: -5, syscall: 'fdatasync' }));
    };
    syncBuiltinESMExports();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(program)}` };
}
