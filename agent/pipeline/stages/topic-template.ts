import type { Tags } from '../../reading/batch.ts';

/**
 * What is wrong with a topic to publish to, in which {name} stands for a tag (`{stream}` for the stream); null when nothing is.
 */
export function topicTemplateProblem(template: string): string | null {
  const bare = template.replaceAll(/\{[A-Za-z0-9_.-]+\}/g, 'x');
  if (bare === '') return 'a topic is needed';
  if (/[{}]/.test(bare)) return 'a { or } is left alone; {name} stands for a tag';
  if (/[+#\0]/.test(bare)) return 'a topic to publish to holds no +, # or NUL';
  return template.startsWith('$') ? 'topics that begin with $ belong to the broker' : null;
}

/** A tag that is missing becomes `_`, and so does every character of a tag that a topic level cannot hold. */
export function filledTopic(template: string, stream: string, tags: Tags): string {
  return template.replaceAll(/\{([A-Za-z0-9_.-]+)\}/g, (_whole, name: string) => {
    const value = Object.hasOwn(tags, name) ? tags[name]! : name === 'stream' ? stream : '';
    return value === '' ? '_' : value.replaceAll(/[+#/\0]/g, '_');
  });
}
