'use strict';
// Begins every thread of the single executable: its modules are assets, found beside an address no file can have. The build
// names the first of them. Modules are ASCII, see build.ts.
function load(entry) {
  const builtin = (name) => process.getBuiltinModule(name);
  const { getRawAsset } = builtin('node:sea');
  const modules = builtin('node:module');
  const home = `${builtin('node:url').pathToFileURL(process.execPath).href}/`;
  // A service has a folder of its own; its second start finds there what the first one compiled. Node checks version and checksum.
  const cache = process.env.CACHE_DIRECTORY?.split(':')[0];
  if (cache?.startsWith('/') && isOwn(cache)) modules.enableCompileCache(`${cache}/compiled`);
  modules.registerHooks({
    resolve: (specifier, context, next) =>
      specifier.startsWith('./') && context.parentURL?.startsWith(home)
        ? { url: home + specifier.slice(2), format: 'module', shortCircuit: true }
        : specifier.startsWith(home)
          ? { url: specifier, format: 'module', shortCircuit: true }
          : next(specifier, context),
    load: (url, context, next) =>
      url.startsWith(home)
        ? {
            source: Buffer.from(getRawAsset(url.slice(home.length))).latin1Slice(),
            format: 'module',
            shortCircuit: true,
          }
        : next(url, context),
  });
  // The main script of an executable and the text of a worker may import built-in modules only; a script of their own may more.
  const { constants, Script } = builtin('node:vm');
  const options = { importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER };
  new Script('(url) => import(url)', options).runInThisContext()(home + entry);
}

// Whoever may write there would decide what code runs here.
function isOwn(folder) {
  try {
    const { uid, mode } = process.getBuiltinModule('node:fs').statSync(folder);
    return (uid === process.geteuid() || uid === 0) && (mode & 0o022) === 0;
  } catch {
    return false;
  }
}

load('main.mjs');
