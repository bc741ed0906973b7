/** A loader hook of Node that replaces one piece of text in one file while it is loaded. The file on disk stays as it is. */
let planted = { url: '', find: '', replace: '' };

export function initialize(data) {
  planted = data;
}

export async function load(url, context, nextLoad) {
  const loaded = await nextLoad(url, context);
  if (url !== planted.url) return loaded;
  const pieces = String(loaded.source).split(planted.find);
  if (pieces.length !== 2) throw new Error(`the text is there ${pieces.length - 1} times in ${url}`);
  return { ...loaded, source: pieces.join(planted.replace) };
}
