interface Node<Owner, Value> {
  readonly children: Map<string, Node<Owner, Value>>;
  readonly entries: Map<Owner, Value>;
}

/** Subscriptions by topic filter (3.1.1, §4.7): finding those of a topic costs its levels, not their number. */
export class FilterTree<Owner, Value> {
  readonly #root: Node<Owner, Value> = { children: new Map(), entries: new Map() };
  #size = 0;

  /** Subscriptions held. */
  get size(): number {
    return this.#size;
  }

  /** One value for each filter and owner; a later one takes the place of an earlier one. */
  set(filter: string, owner: Owner, value: Value): void {
    let node = this.#root;
    for (const level of filter.split('/')) {
      let child = node.children.get(level);
      if (child === undefined) {
        child = { children: new Map(), entries: new Map() };
        node.children.set(level, child);
      }
      node = child;
    }
    if (!node.entries.has(owner)) this.#size++;
    node.entries.set(owner, value);
  }

  delete(filter: string, owner: Owner): void {
    const path: Node<Owner, Value>[] = [this.#root];
    const levels = filter.split('/');
    for (const level of levels) {
      const child = path.at(-1)!.children.get(level);
      if (child === undefined) return;
      path.push(child);
    }
    if (path.at(-1)!.entries.delete(owner)) this.#size--;
    for (let i = levels.length; i > 0; i--) {
      const node = path[i]!;
      if (node.entries.size > 0 || node.children.size > 0) return;
      path[i - 1]!.children.delete(levels[i - 1]!);
    }
  }

  /** Every subscription that takes `topic`; one owner may come several times. Wildcards take no topic that begins with $ (§4.7.2). */
  match(topic: string): [Owner, Value][] {
    const found: [Owner, Value][] = [];
    this.#collect(this.#root, topic.split('/'), 0, found);
    return found;
  }

  #collect(
    node: Node<Owner, Value>,
    levels: readonly string[],
    depth: number,
    found: [Owner, Value][],
  ): void {
    const wild = depth > 0 || !levels[0]!.startsWith('$');
    const tail = wild ? node.children.get('#') : undefined;
    if (tail !== undefined) found.push(...tail.entries);
    if (depth === levels.length) {
      found.push(...node.entries);
      return;
    }
    const any = wild ? node.children.get('+') : undefined;
    if (any !== undefined) this.#collect(any, levels, depth + 1, found);
    const exact = node.children.get(levels[depth]!);
    if (exact !== undefined) this.#collect(exact, levels, depth + 1, found);
  }
}
