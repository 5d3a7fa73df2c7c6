import type { StatusJson } from '../../api/contract.ts';
import { SedgeError } from '../../base/errors.ts';
import type { AgentClient } from '../../host/agent-client.ts';

/** What a verb that needs the folder for itself tells where another process has it, with the next step; any other error as it is. */
export async function explainInUse(
  thrown: unknown,
  { verb, folder, client }: { verb: string; folder: string; client: Pick<AgentClient, 'get'> },
): Promise<unknown> {
  if (!(thrown instanceof SedgeError) || thrown.code !== 'SEDGE_DATA_LOCKED') return thrown;
  const id = await runningAgent(client);
  const who = id === null ? 'another sedge, whose API this configuration does not reach,' : `agent ${id}`;
  return new SedgeError(
    'SEDGE_DATA_LOCKED',
    `buffer ${verb} needs ${folder} for itself, and ${who} runs on it`,
    {
      hint: `stop it (systemctl stop sedge, or Ctrl-C where it was started), run this again, and start it: senders keep meanwhile what is not acknowledged${verb === 'fsck' ? '; sedge status says whether the accounts balance without a stop' : ''}`,
      cause: thrown,
    },
  );
}

/** Null when none answers. */
async function runningAgent(client: Pick<AgentClient, 'get'>): Promise<string | null> {
  try {
    return ((await client.get('/v1/status')) as StatusJson).agent.id;
  } catch (error) {
    if (error instanceof SedgeError) return null;
    throw error;
  }
}
