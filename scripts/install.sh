# Sourced by the other scripts: installs what is missing into the project. Needs Node >= 18 and npm, nothing else.
ROOT=$(cd "$(dirname "$0")/.." && pwd)
if [ ! -x "$ROOT/node_modules/.bin/node" ] || [ "$ROOT/package-lock.json" -nt "$ROOT/node_modules/.package-lock.json" ]; then
  command -v npm >/dev/null || { echo "sedge: npm is missing; install Node 18 or newer, then run this again" >&2; exit 69; }
  echo "sedge: installing what package-lock.json names (once, about 400 MB) ..." >&2
  # Not `npm ci`: it refuses a lock file without the builds for systems that the registry at hand did not have.
  (cd "$ROOT" && npm install --no-save --ignore-scripts --loglevel=error >&2) || { echo "sedge: npm install failed; is the npm registry reachable?" >&2; exit 69; }
  touch "$ROOT/node_modules/.package-lock.json"
fi
PATH="$ROOT/node_modules/.bin:$PATH"
export PATH
