import { dispatch } from './cli/dispatch.ts';
import { processWorld } from './host/process-world.ts';
import { verbs } from './verbs.ts';
import { version } from './version.ts';

process.exitCode = await dispatch(process.argv.slice(2), { verbs, version, world: processWorld() });
