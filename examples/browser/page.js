import { connect } from '@holdfast/client';

const url = new URLSearchParams(location.search).get('url') ?? 'ws://localhost:7420';
const element = (id) => document.getElementById(id);
const say = (text) => {
  element('state').textContent = text;
};

const holdfast = await connect(url, { name: 'example page' });
say('connected; nobody of this window is editing');
holdfast.on('state', (state) => {
  if (state === 'reconnecting') say('the connection is gone; trying again…');
});
element('edit').disabled = false;

element('edit').addEventListener('click', async () => {
  element('edit').disabled = true;
  say('waiting for my turn…');
  const lock = await holdfast.acquire('document/7', {
    meta: { who: navigator.userAgent.slice(0, 80) },
    onPlace: (place) => say(place === 1 ? 'next in line' : `${place - 1} before me`),
  });
  say(`editing, token ${lock.token}`);
  element('text').disabled = false;
  element('done').disabled = false;

  const over = (text) => {
    element('text').disabled = true;
    element('done').disabled = true;
    element('edit').disabled = false;
    say(text);
  };
  // Lost: the server ended the session, or this machine slept. Nothing may be saved any more under this lock.
  lock.signal.addEventListener('abort', () => over(`lost: ${lock.signal.reason.message}`));
  element('done').onclick = async () => {
    // Saving would send lock.token along, and the server that stores the document would refuse a token lower than the last.
    await lock.release();
    over('done');
  };
});
