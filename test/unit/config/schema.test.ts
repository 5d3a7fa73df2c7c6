import { describe, expect, test } from 'vitest';
import { configJsonSchema } from '#agent/config/json-schema.ts';
import { schemaMaps } from '#agent/config/key-index.ts';
import { configReference } from '#agent/config/reference.ts';
import { fieldNotes } from '#agent/config/schema/shape.ts';

describe('the schema', () => {
  test('describes every key in a sentence', () => {
    const bare = schemaMaps().flatMap((map) =>
      [...map.fields]
        .filter(([, schema]) => !/^.{10,}\.$/s.test(fieldNotes(schema).description ?? ''))
        .map(([key]) => `${map.path}.${key}`),
    );
    // `backoff` and `tls` of several sections come from one place; all of them are here.
    expect(bare).toEqual([]);
    expect(schemaMaps().reduce((sum, map) => sum + map.fields.size, 0)).toBeGreaterThan(150);
  });

  test('lists every key in the reference, under its section', () => {
    const reference = configReference();
    for (const map of schemaMaps()) {
      const title = `## ${map.path === '' ? 'Sections' : `\`${map.path}\``}${map.branch === null ? '' : ` of type ${map.branch}`}\n`;
      const section = reference.split(title)[1]?.split('\n## ')[0] ?? '';
      for (const key of map.fields.keys()) expect(section).toContain(`| \`${key}\` |`);
    }
  });

  test('gives every key and its description to editors', () => {
    const schema = configJsonSchema();
    const described = new Set(
      JSON.stringify(schema)
        .matchAll(/"description":"((?:[^"\\]|\\.)*)"/g)
        .map(([, text]) => JSON.parse(`"${text}"`) as string),
    );
    for (const map of schemaMaps()) {
      for (const schema of map.fields.values()) expect(described).toContain(fieldNotes(schema).description);
    }
    expect(schema).toMatchObject({
      additionalProperties: false,
      properties: { buffer: { properties: { size: { type: 'string', default: '512MiB' } } } },
    });
  });
});
