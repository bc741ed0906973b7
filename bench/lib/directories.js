import { mkdirSync, mkdtempSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Data directories of a run, all below one fresh directory that is gone when this process ends, however it does.
 *
 * @typedef {object} Directories
 * @property {() => string} fresh makes an empty one and gives its path
 * @property {(directory: string) => void} remove for large ones that are not needed until the end
 */

const REMOVE = { recursive: true, force: true, maxRetries: 10, retryDelay: 50 };

/**
 * @param {string} parent a directory on the disk that is to be measured; made when it is missing
 * @returns {Directories}
 */
export function dataDirectories(parent) {
  let root = null;
  let count = 0;

  const openRoot = () => {
    mkdirSync(parent, { recursive: true });
    root = mkdtempSync(join(parent, 'bench-'));
    // Registered after the listener that ends the children: nobody writes there any more.
    process.once('exit', () => {
      rmSync(root, REMOVE);
      try {
        rmdirSync(parent);
      } catch {
        // It has other things in it, which are not ours.
      }
    });
  };

  return {
    fresh() {
      if (root === null) openRoot();
      const directory = join(root, String(++count));
      mkdirSync(directory);
      return directory;
    },
    remove: (directory) => rmSync(directory, REMOVE),
  };
}
