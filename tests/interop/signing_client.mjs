// Sends requests with version 10 of the official client, the last that signs with HMAC-SHA512: the
// job comes as JSON on stdin, the answers go as JSON to stdout, in the order of the requests.

import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const job = JSON.parse(await text(process.stdin));

// The client is installed elsewhere, and an import looks beside this file.
const folder = path.join(job.modules, 'signing', 'node_modules', '@clevercloud', 'client', 'esm');
const load = (name) => import(pathToFileURL(path.join(folder, name)).href);

const { addOauthHeader } = await load('oauth.js');
const { prefixUrl } = await load('prefix-url.js');
const { request } = await load('request.fetch.js');
const { ApplicationLogStream } = await load('streams/application-logs.js');

const answers = [];
for (const one of job.requests) {
  try {
    answers.push(one.stream ? await readStream(one) : await send(one));
  } catch (error) {
    answers.push({ error: { status: error.response?.status ?? error.status, message: error.message } });
  }
}
process.stdout.write(JSON.stringify(answers));

async function send({ path: url, query }) {
  return Promise.resolve({ method: 'get', url, headers: { Accept: 'application/json' }, queryParams: query })
    .then(prefixUrl(job.baseUrl))
    .then(addOauthHeader(job.tokens))
    .then(request);
}

async function readStream({ ownerId, appId, query }) {
  const stream = new ApplicationLogStream({ apiHost: job.baseUrl, tokens: job.tokens, ownerId, appId, ...query });
  const logs = [];
  stream.onLog((log) => logs.push(log));
  const { type } = await stream.start();
  return { logs, endedBy: type };
}
