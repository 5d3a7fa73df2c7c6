'use strict';
// better-sqlite3 for the single executable: the addon is mapped from the path that is handed in; nothing is looked up on disk.
const createDatabase = require('../node_modules/better-sqlite3/lib/database.js');

const loaded = new Map();

function addonAt(path) {
  let addon = loaded.get(path);
  if (addon === undefined) {
    const holder = { exports: {} };
    process.dlopen(holder, path);
    addon = holder.exports;
    loaded.set(path, addon);
  }
  return addon;
}

module.exports = createDatabase(addonAt, true);
module.exports.SqliteError = require('../node_modules/better-sqlite3/lib/sqlite-error.js');
