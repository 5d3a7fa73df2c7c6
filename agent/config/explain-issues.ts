import * as z from 'zod';
import { problemsLimit } from './limits.ts';
import { homesOf } from './key-index.ts';
import { meantWord, translatedWord } from './meant.ts';
import { notYetKey } from './not-yet.ts';
import { problemAt, problemIn, quote, showNode, type Problem, type SourceTexts } from './problem.ts';
import { configSchema } from './schema/config.ts';
import { noWords } from './schema/leaf.ts';
import { fieldsOf, isRecord, schemaAt, shapeOf, type Shape } from './schema/shape.ts';
import { find, toValue, type Path, type SourceNode } from './source-tree.ts';

type Issue = z.core.$ZodIssue;

/** What the schema found, in words, at its place. At most `problemsLimit`. */
export function explainIssues(issues: readonly Issue[], root: SourceNode, texts: SourceTexts): Problem[] {
  const value = toValue(root);
  const explained: Problem[] = [];
  const withUnknownKeys = new Set(
    issues.filter((issue) => issue.code === 'unrecognized_keys').map((issue) => issue.path.join('\0')),
  );
  for (const issue of issues) {
    // A check of the whole map says little while one of its keys is misspelt.
    if (issue.code === 'custom' && withUnknownKeys.has(issue.path.join('\0'))) continue;
    if (explained.length >= problemsLimit) break;
    explained.push(...new Explanation(issue, root, value, texts).problems());
  }
  return explained.slice(0, problemsLimit);
}

/** One issue, with what its words need. */
class Explanation {
  readonly #issue: Issue;
  readonly #root: SourceNode;
  readonly #value: unknown;
  readonly #texts: SourceTexts;
  readonly #path: Path;

  constructor(issue: Issue, root: SourceNode, value: unknown, texts: SourceTexts) {
    this.#issue = issue;
    this.#root = root;
    this.#value = value;
    this.#texts = texts;
    this.#path = issue.path as Path;
  }

  problems(): Problem[] {
    const issue = this.#issue;
    if (issue.code === 'unrecognized_keys')
      return issue.keys.slice(0, problemsLimit).map((key) => this.#unknownKey(key));
    const found = find(this.#root, this.#path);
    if (!found.complete) return [this.#missing()];
    if (issue.code === 'invalid_key') return [this.#badName()];
    const shape = this.#shape();
    return [
      shape?.kind === 'leaf' ? this.#badLeaf(shape, found.node) : this.#badMapOrList(shape, found.node),
    ];
  }

  #unknownKey(key: string): Problem {
    const path = [...this.#path, key];
    const { keyPlace } = find(this.#root, path);
    const shape = this.#shape();
    const here = valueAt(this.#value, this.#path);
    const fields = shape === null ? null : fieldsOf(shape, here);
    const isStage = fields?.has('deadband') === true;
    const place = this.#path.length === 0 ? 'root' : 'stage';
    const notYet = this.#path.length === 0 || isStage ? notYetKey(place, key) : null;
    if (notYet !== null) return problemAt(this.#texts, keyPlace, path, { message: notYet });
    const absent = [...(fields?.keys() ?? [])].filter((name) => !isRecord(here) || !(name in here));
    // `stream` at the top is `streams` with a letter missing before it is the key of some other place.
    const inNumber = absent.find((name) => name === `${key}s` || `${name}s` === key) ?? null;
    const homes = inNumber === null && translatedWord(key, absent) === null ? homesOf(key, fields) : [];
    const meant = inNumber ?? (homes.length > 0 ? null : meantWord(key, absent));
    const expected = `one of ${absent.join(', ')}`;
    const message =
      homes.length > 0
        ? `unknown key here; it belongs under ${homes.join(' or ')}`
        : meant === null
          ? `unknown key; keys possible here: ${absent.join(', ')}`
          : 'unknown key';
    return problemAt(this.#texts, keyPlace, path, { message, expected, value: key, meant });
  }

  #missing(): Problem {
    const shape = this.#shape();
    const expected = this.#expected(shape);
    return problemIn(this.#texts, this.#root, this.#path, {
      message: `is missing; it is ${expected}`,
      expected,
    });
  }

  #badName(): Problem {
    const { keyPlace } = find(this.#root, this.#path);
    const key = String(this.#path.at(-1));
    const parent = schemaAt(configSchema, this.#value, this.#path.slice(0, -1));
    const shape = parent === null ? null : shapeOf(parent);
    const keyShape = shape?.kind === 'record' ? shapeOf(shape.key) : null;
    const expected = this.#expected(keyShape);
    const custom =
      this.#issue.code === 'invalid_key' && this.#issue.issues.find((issue) => issue.code === 'custom');
    const message = custom ? `${quote(key)}: ${custom.message}` : `${quote(key)} is not ${expected}`;
    return problemAt(this.#texts, keyPlace, this.#path, { message, expected, value: key });
  }

  #badLeaf(shape: Shape & { kind: 'leaf' }, node: SourceNode): Problem {
    const { notes } = shape;
    const shown = showNode(node, this.#path);
    const value = toValue(node);
    const expected = notes.expected;
    const custom = this.#customMessage();
    let message = sentence(shown, custom === '' ? `is not ${expected}` : custom);
    let meant: string | null = null;
    if (notes.secret === true) {
      message = custom === '' ? `is not ${expected}` : custom;
    } else if (node.kind === 'scalar' && node.reference === null) {
      meant = notes.meant?.(value) ?? null;
      if (typeof value === 'string' && notes.words !== undefined) meant ??= meantWord(value, notes.words);
      if (custom === '' && meant === null) message += this.#quotesHint(value, node.text);
    } else if (custom === '' && node.kind === 'map') {
      message += this.#wantsText() ? '; put text that begins with { in quotes' : '';
    }
    const told = notes.secret === true || node.kind !== 'scalar' ? null : shown;
    return problemIn(this.#texts, this.#root, this.#path, { message, expected, value: told, meant });
  }

  #badMapOrList(shape: Shape | null, node: SourceNode): Problem {
    const custom = this.#customMessage();
    const expected = this.#expected(shape);
    let message = custom;
    if (custom === '') {
      const issue = this.#issue;
      if (issue.code === 'too_small') message = 'is empty; it needs at least one item';
      else if (issue.code === 'too_big') message = `holds more than ${issue.maximum} items`;
      else if (node.kind === 'scalar' && node.value === null) message = `is empty; it is ${expected}`;
      else message = `${showNode(node, this.#path)} is not ${expected}`;
    }
    const meant =
      shape?.kind === 'list' && node.kind === 'scalar' && node.value !== null ? `[${node.text}]` : null;
    return problemIn(this.#texts, this.#root, this.#path, { message, expected, meant });
  }

  #expected(shape: Shape | null): string {
    switch (shape?.kind) {
      case 'leaf':
        return shape.notes.expected;
      case 'map':
        return `a map with keys ${[...shape.fields.keys()].slice(0, 6).join(', ')}`;
      case 'choice':
        return `a map with \`${shape.by}:\` ${orList([...shape.branches.keys()])}`;
      case 'record':
        return 'a map of names';
      case 'list':
        return `a list, each item ${this.#expected(shapeOf(shape.item))}`;
      default:
        return 'something else';
    }
  }

  #shape(): Shape | null {
    // What tells the branches of a choice apart is a key of none of them while it is wrong.
    const issue = this.#issue;
    if (issue.code === 'invalid_union' && issue.errors.length === 0) {
      const choice = schemaAt(configSchema, this.#value, this.#path.slice(0, -1));
      const shape = choice === null ? null : shapeOf(choice);
      if (shape?.kind === 'choice' && this.#path.at(-1) === shape.by) {
        const words = [...shape.branches.keys()];
        return { kind: 'leaf', notes: { type: orList(words), expected: orList(words), words } };
      }
    }
    const schema = schemaAt(configSchema, this.#value, this.#path);
    return schema === null ? null : shapeOf(schema);
  }

  /** The sentence a check of the schema gave; '' when it left the words to us. */
  #customMessage(): string {
    const issue = this.#issue;
    const custom =
      issue.code === 'invalid_union' ? issue.errors.flat().find((inner) => inner.code === 'custom') : issue;
    return custom?.code !== 'custom' || custom.message === noWords ? '' : custom.message;
  }

  #wantsText(): boolean {
    const issue = this.#issue;
    return (
      (issue.code === 'invalid_type' && issue.expected === 'string') ||
      (issue.code === 'invalid_union' &&
        issue.errors.flat().some((inner) => inner.code === 'invalid_type' && inner.expected === 'string'))
    );
  }

  /** Only where the same text in quotes would do. */
  #quotesHint(value: unknown, text: string): string {
    const bare = typeof value === 'number' || typeof value === 'boolean';
    if (!bare || !this.#wantsText() || this.#issue.code !== 'invalid_type') return '';
    const schema = schemaAt(configSchema, this.#value, this.#path);
    return schema !== null && z.core.safeParse(schema, text).success ? '; put it in quotes' : '';
  }
}

/** `10MiB is …`, or `keep: …` where the words are a sentence of their own. */
function sentence(shown: string, words: string): string {
  return `${shown}${words.startsWith('is ') ? ' ' : ': '}${words}`;
}

function valueAt(value: unknown, path: Path): unknown {
  let here = value;
  for (const step of path) {
    here = isRecord(here) || Array.isArray(here) ? (here as Record<PropertyKey, unknown>)[step] : undefined;
  }
  return here;
}

function orList(words: readonly string[]): string {
  return words.length === 1 ? words[0]! : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
