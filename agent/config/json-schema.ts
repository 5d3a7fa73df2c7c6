import * as z from 'zod';
import { configSchema } from './schema/config.ts';

/** JSON Schema (draft 2020-12) of the file, for editors: what may be written, with defaults and descriptions. */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' });
  return { ...schema, title: 'Configuration of sedge' };
}
