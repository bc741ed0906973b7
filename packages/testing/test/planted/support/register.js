/** For `node --import`: plants the bug that the environment describes before anything of the product is loaded. */
import { register } from 'node:module';

const planted = process.env['HOLDFAST_PLANTED'];
if (planted === undefined) throw new Error('HOLDFAST_PLANTED is not set');
register('./hook.js', import.meta.url, { data: JSON.parse(planted) });
