# Sourced by the other scripts: installs what is missing into the project. Needs Node >= 18 and npm, nothing else.
ROOT=$(cd "$(dirname "$0")/.." && pwd)
# sedge_installed MODULES LOCK: the modules were installed after the lock file was written.
sedge_installed() {
  [ -x "$1/.bin/node" ] && [ ! "$2" -nt "$1/.package-lock.json" ]
}
if sedge_installed "$ROOT/node_modules" "$ROOT/package-lock.json"; then
  :
elif [ -L "$ROOT/node_modules" ]; then
  # Somebody shares the modules of another clone: npm would put a folder in the place of the link.
  SHARED=$(cd "$ROOT/node_modules" 2>/dev/null && pwd -P) || SHARED=$(readlink "$ROOT/node_modules")
  if ! { cmp -s "$ROOT/package-lock.json" "$SHARED/../package-lock.json" && sedge_installed "$SHARED" "$SHARED/../package-lock.json"; }; then
    echo "sedge: node_modules is a link to $SHARED, which does not hold what package-lock.json names; run npm install there, or remove the link" >&2
    exit 69
  fi
else
  command -v npm >/dev/null || { echo "sedge: npm is missing; install Node 18 or newer, then run this again" >&2; exit 69; }
  echo "sedge: installing what package-lock.json names (once, about 400 MB) ..." >&2
  # Not `npm ci`: it refuses a lock file without the builds for systems that the registry at hand did not have.
  (cd "$ROOT" && npm install --no-save --ignore-scripts --loglevel=error >&2) || { echo "sedge: npm install failed; is the npm registry reachable?" >&2; exit 69; }
  touch "$ROOT/node_modules/.package-lock.json"
fi
PATH="$ROOT/node_modules/.bin:$PATH"
export PATH
