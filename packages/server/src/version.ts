/** The package's own version, for people. */
import { createRequire } from 'node:module';

const packageJson: unknown = createRequire(import.meta.url)('../package.json');

export const version: string =
  typeof packageJson === 'object' && packageJson !== null && 'version' in packageJson
    ? String(packageJson.version)
    : 'unknown';
