/** What bin/holdfast.js starts. */
import { main } from './program.js';

await main(process.argv);
