import { getAsset, isSea } from 'node:sea';

/**
 * How the parts that are not the main script are found: beside the sources, or inside the single executable. A worker is
 * either a file to run or a script's text; the SQLite addon is a file that `process.dlopen` can map.
 */
export interface Packaging {
  /**
   * Path of the SQLite addon, or undefined where the package finds its own. Unpacked when first asked for.
   * @throws {SedgeError} SEDGE_HOST_PERMISSION when it cannot be unpacked to the cache folder, or not be run from there.
   */
  sqliteAddon(): Promise<string | undefined>;
  worker(name: WorkerName): { readonly url: URL } | { readonly text: string };
}

export type WorkerName = 'disk-worker' | 'config-worker' | 'raft-log-worker';

/** Loads nothing but what it needs: a start begins here. */
export function packaging(environment: Readonly<Record<string, string | undefined>>): Packaging {
  if (!isSea()) {
    return {
      sqliteAddon: () => Promise.resolve(undefined),
      worker: (name) => ({ url: new URL(`./${name}.ts`, import.meta.url) }),
    };
  }
  let addon: Promise<string> | undefined;
  return {
    sqliteAddon: () => (addon ??= unpacked(environment)),
    worker: (name) => ({ text: getAsset(`${name}.cjs`, 'utf8') }),
  };
}

async function unpacked(environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  const { unpackAddon } = await import('./sqlite-addon.ts');
  return unpackAddon(environment);
}
