import { dispatch } from './cli/dispatch.ts';
import { processWorld } from './host/process-world.ts';
import { version } from './version.ts';

/** What still holds the process when everything was stopped is not waited for longer than this. */
const lingerMsMax = 2_000;

process.title = 'sedge';
// What libraries still use of Node is nothing to who runs this (MQTT.js: url.parse).
process.noDeprecation = true;
const parameters = process.argv.slice(2);
// The other verbs would double what a service has to load before it is ready.
const verbs =
  parameters[0] === 'run'
    ? [(await import('./run-agent.ts')).runAgentVerb()]
    : (await import('./verbs.ts')).verbs;
process.exitCode = await dispatch(parameters, { verbs, version, world: processWorld() });
setTimeout(() => process.exit(), lingerMsMax).unref();
