declare const unit: unique symbol;

/**
 * The name an agent goes by on its site (`agent.id` of its config, proven by its certificate): 1 … 64 bytes of UTF-8, used
 * by one agent for all time. Its address is an attribute and may change; the id may not.
 */
export type AgentId = string & { readonly [unit]: 'AgentId' };

export const agentId = (text: string): AgentId => text as AgentId;
