# Sourced by the other scripts: goes to the project's root and installs what is missing. Needs Node >= 18 and npm.
cd "$(dirname "$0")/.." || exit 1
if [ ! -x node_modules/.bin/node ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
  command -v npm >/dev/null || { echo "sedge: needs Node 18 or newer with npm; install it, then run this again" >&2; exit 69; }
  echo "sedge: installing what package-lock.json names (once, about 400 MB) ..." >&2
  npm ci --ignore-scripts --loglevel=error >&2 || { echo "sedge: npm ci failed; is the npm registry reachable?" >&2; exit 69; }
  touch node_modules/.package-lock.json
fi
PATH="$PWD/node_modules/.bin:$PATH"
export PATH
