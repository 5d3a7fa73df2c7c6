'use strict';
// better-sqlite3 for the single executable: the addon is always handed in as an object, nothing is looked up on disk.
const createDatabase = require('../node_modules/better-sqlite3/lib/database.js');
module.exports = createDatabase((addon) => addon, true);
module.exports.SqliteError = require('../node_modules/better-sqlite3/lib/sqlite-error.js');
