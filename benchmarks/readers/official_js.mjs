// The official JavaScript client, @clevercloud/client: log objects with dates, as it gives them.
//
// usage: node official_js.mjs FOLDER-OF-THE-PACKAGE BASE-URL APPLICATION COUNT
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [folder, baseUrl, application, count] = process.argv.slice(2);
const load = (path) => import(pathToFileURL(join(folder, path)));
const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

async function openLegacy() {
  const { ApplicationLogStream } = await load('esm/streams/application-logs.js');
  return () =>
    new ApplicationLogStream({ apiHost: baseUrl, tokens: null, ownerId: 'orga_1', appId: application });
}

async function openTyped() {
  const { CcApiClient } = await load('src/clients/cc-api/cc-api-client.js');
  const { StreamApplicationRuntimeLogCommand } = await load(
    'src/clients/cc-api/commands/log/stream-application-runtime-log-command.js',
  );
  return () =>
    new CcApiClient({ baseUrl }).stream(
      new StreamApplicationRuntimeLogCommand({ ownerId: 'orga_1', applicationId: application }),
    );
}

const open = await (Number(version.split('.')[0]) < 11 ? openLegacy() : openTyped());
const startCpu = process.cpuUsage();
const startWall = process.hrtime.bigint();
const stream = await open();
let events = 0;
let last = null;
stream.onLog((log) => {
  events++;
  last = log;
});
await stream.start();
const cpu = process.cpuUsage(startCpu);
const wall = Number(process.hrtime.bigint() - startWall) / 1e9;
if (events !== Number(count)) {
  throw new Error(`read ${events} of ${count} events`);
}
console.log(
  JSON.stringify({ events, cpu_s: (cpu.user + cpu.system) / 1e6, wall_s: wall, last_characters: last.message.length }),
);
