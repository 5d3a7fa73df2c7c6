/** Where something stands. Line and column count from 1, in UTF-16 units. `width` stays within the line, >= 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly width: number;
}

/** A configuration as written: values that know where they come from. Immutable once built. */
export type SourceNode = MapNode | ListNode | ScalarNode;

export interface MapNode {
  readonly kind: 'map';
  readonly place: Place;
  readonly entries: ReadonlyMap<string, MapEntry>;
}

export interface MapEntry {
  readonly keyPlace: Place;
  readonly node: SourceNode;
}

export interface ListNode {
  readonly kind: 'list';
  readonly place: Place;
  readonly items: readonly SourceNode[];
}

export interface ScalarNode {
  readonly kind: 'scalar';
  readonly place: Place;
  readonly value: string | number | boolean | null;
  /** The characters as written, without quotes. */
  readonly text: string;
  /** Unquoted: its type was read from its looks. */
  readonly plain: boolean;
  /** Filled from a variable: the schema may take `text` where it wants text, and messages show the reference instead of the content. */
  readonly reference: string | null;
}

export type Path = readonly (string | number)[];

/** The plain value of a tree. Objects have no prototype's keys to fear: `__proto__` is refused by the parser. */
export function toValue(node: SourceNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value;
    case 'list':
      return node.items.map(toValue);
    case 'map': {
      const value: Record<string, unknown> = {};
      for (const [key, entry] of node.entries) value[key] = toValue(entry.node);
      return value;
    }
  }
}

export interface Found {
  /** The deepest node on the way that exists. */
  readonly node: SourceNode;
  /** Where its key stands, or the node itself where it has none. */
  readonly keyPlace: Place;
  /** True when the whole path was followed. */
  readonly complete: boolean;
}

export function find(root: SourceNode, path: Path): Found {
  let node = root;
  let keyPlace = root.place;
  for (const step of path) {
    if (node.kind === 'map') {
      const entry = node.entries.get(String(step));
      if (entry === undefined) return { node, keyPlace, complete: false };
      node = entry.node;
      keyPlace = entry.keyPlace;
    } else if (node.kind === 'list') {
      const item = node.items[Number(step)];
      if (item === undefined) return { node, keyPlace, complete: false };
      node = item;
      keyPlace = item.place;
    } else {
      return { node, keyPlace, complete: false };
    }
  }
  return { node, keyPlace, complete: true };
}

/** `streams.vibration.stages[0].calibrate`; `config` for the root. */
export function renderPath(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** A copy of `root` with the node at `path` replaced by what `change` makes of it (null takes it out). */
export function replaceAt(
  root: SourceNode,
  path: Path,
  change: (node: SourceNode) => SourceNode | null,
): SourceNode | null {
  const [step, ...rest] = path;
  if (step === undefined) return change(root);
  if (root.kind === 'map') {
    const entry = root.entries.get(String(step));
    if (entry === undefined) return root;
    const node = replaceAt(entry.node, rest, change);
    const entries = new Map(root.entries);
    if (node === null) entries.delete(String(step));
    else entries.set(String(step), { keyPlace: entry.keyPlace, node });
    return { ...root, entries };
  }
  if (root.kind === 'list') {
    const items = root.items.flatMap((item, index) => {
      if (index !== step) return [item];
      const node = replaceAt(item, rest, change);
      return node === null ? [] : [node];
    });
    return { ...root, items };
  }
  return root;
}
