// Runs commands of the official client: the job comes as JSON on stdin, the answers go as JSON to
// stdout, in the order of the calls.

import { createRequire } from 'node:module';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';

const job = JSON.parse(await text(process.stdin));

// The client is installed elsewhere, and an import looks beside this file.
const { resolve } = createRequire(path.join(job.modules, 'package.json'));
const load = (name) => import(pathToFileURL(resolve(`@clevercloud/client/${name}`)).href);

const { CcApiClient } = await load('cc-api-client.js');
const client = new CcApiClient({ baseUrl: job.baseUrl, authMethod: job.authMethod });

const answers = [];
for (const call of job.calls) {
  try {
    const { [call.command]: Command } = await load(`cc-api-commands/${call.module}.js`);
    const command = new Command(call.params);
    answers.push(await answerOf(call, command));
  } catch (error) {
    answers.push({ error: faultOf(error) });
  }
}
process.stdout.write(JSON.stringify(answers));

async function answerOf(call, command) {
  if (call.stream != null) {
    return readStream(call, command);
  }
  if (call.url) {
    return String(client.getUrl(command));
  }
  const answer = await client.send(command);
  if (answer instanceof Blob) {
    return { type: answer.type, base64: Buffer.from(await answer.arrayBuffer()).toString('base64') };
  }
  return answer;
}

// Reads a log stream until the server ends it or, where a count is given, so many came.
async function readStream(call, command) {
  const { count, ...config } = call.stream;
  const stream = await client.stream(command, config);
  const logs = [];
  const errors = [];
  stream.onError((error) => errors.push(faultOf(error)));
  stream.onLog((log) => {
    logs.push(log);
    if (logs.length === count) {
      stream.close({ type: 'COUNT_REACHED' });
    }
  });
  const { type } = await stream.start();
  return { logs, errors, endedBy: type };
}

function faultOf(error) {
  return {
    name: error.name,
    code: error.code,
    status: error.statusCode ?? error.response?.status,
    message: error.message,
  };
}
