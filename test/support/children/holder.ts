/** A process that speaks the bare protocol: it holds one key and tells how its connection ends. */
import { RawClient } from '../raw-client.js';

interface Facts {
  readonly url: string;
  readonly key: string;
  readonly timeoutMs: number;
}

const { url, key, timeoutMs } = JSON.parse(process.argv[2] ?? '{}') as Facts;
const client = await RawClient.open(url, { timeoutMs });
const token = await client.acquired(1, key);
process.send?.({ kind: 'granted', token });
process.on('disconnect', () => void client.drop());
process.send?.({ kind: 'closed', ...(await client.closed) });
process.disconnect();
