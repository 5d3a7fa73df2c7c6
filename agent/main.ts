import { dispatch } from './cli/dispatch.ts';
import { processWorld } from './host/process-world.ts';
import { verbs } from './verbs.ts';
import { version } from './version.ts';

/** What still holds the process when everything was stopped is not waited for longer than this. */
const lingerMsMax = 2_000;

process.title = 'sedge';
process.exitCode = await dispatch(process.argv.slice(2), { verbs, version, world: processWorld() });
setTimeout(() => process.exit(), lingerMsMax).unref();
