import { schemaMaps, type SchemaMap } from './key-index.ts';
import { fieldNotes, shapeOf, type Schema, type Shape } from './schema/shape.ts';

/** Every key of the configuration in Markdown: type, default, meaning. */
export function configReference(): string {
  const sections = schemaMaps().map((map) => [heading(map), '', ...table(map)].join('\n'));
  return `# Configuration reference\n\n${conventions}\n\n${sections.join('\n\n')}\n`;
}

const conventions = [
  'Durations are written `250ms`, `10s`, `1h30m`, `7d`; sizes `512MiB` (powers of 1024) or `500MB` (powers of 1000); rates',
  '`256KiB/s`. A bare number where a unit is needed is an error. `NAME` stands for a name you choose: letters, digits, `_`, `.`',
  'and `-`, at most 64. Values may hold `${VAR}`, `${VAR:-default}`, `${VAR:?message}`; `$$` is a dollar sign. `SEDGE__BUFFER__SIZE`',
  'in the environment overrides `buffer.size`, and so on for every key. Files of `conf.d` add to the main file; a key defined',
  'in two files is an error, except that lists of `tests:` are joined.',
].join('\n');

function heading(map: SchemaMap): string {
  const title = map.path === '' ? 'Sections' : `\`${map.path}\``;
  return `## ${title}${map.branch === null ? '' : ` of type ${map.branch}`}`;
}

function table(map: SchemaMap): string[] {
  const rows = [...map.fields].map(([key, schema]) => {
    const notes = fieldNotes(schema);
    const preset = notes.optional ? presetText(notes.preset) : '**required**';
    return `| \`${key}\` | ${cell(typeText(shapeOf(schema)))} | ${preset} | ${cell(notes.description ?? '')} |`;
  });
  return ['| key | type | default | meaning |', '| --- | --- | --- | --- |', ...rows];
}

function presetText(preset: unknown): string {
  if (preset === undefined) return '';
  if (typeof preset === 'string') return `\`${cell(preset)}\``;
  const text = JSON.stringify(preset);
  return text === '{}' ? '' : `\`${cell(text)}\``;
}

function typeText(shape: Shape): string {
  switch (shape.kind) {
    case 'leaf':
      return shape.notes.type;
    case 'list':
      return `list of ${plural(shape.item)}`;
    case 'record':
      return `map of names to ${plural(shape.value)}`;
    case 'map':
      return 'map';
    case 'choice':
      return `map, \`${shape.by}\` ${[...shape.branches.keys()].join(', ')}`;
  }
}

function plural(schema: Schema): string {
  const shape = shapeOf(schema);
  return shape.kind === 'leaf'
    ? `(${shape.notes.type})`
    : shape.kind === 'map' || shape.kind === 'choice'
      ? 'maps'
      : 'lists';
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ');
}
