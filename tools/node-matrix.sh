#!/usr/bin/env bash
# Runs the tests on each Node line that is supported, each in a fresh clone of the last commit:
#
#     tools/node-matrix.sh [VERSION…]        default: 22 24 26
#
# Prints one line a version, and the end of the output of a version that failed. Exit code 0 when all passed.
set -euo pipefail
cd "$(dirname "$0")/.."
exec </dev/null

versions=("$@")
[[ ${#versions[@]} -gt 0 ]] || versions=(22 24 26)

repository="$PWD"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
failures=0

for version in "${versions[@]}"; do
  clone="$scratch/node-$version"
  report="$scratch/node-$version.json"
  log="$scratch/node-$version.log"
  git clone --quiet "$repository" "$clone"
  code=0
  (
    cd "$clone"
    CI=true HOLDFAST_TEST_REPORT="$report" npx -y -p "node@$version" -p pnpm@10.34.9 \
      -c 'node -v && pnpm install --frozen-lockfile && pnpm test'
  ) >"$log" 2>&1 || code=$?
  summary="$(node tools/summary.js "$report" "$code")" || code=1
  echo "Node $version ($(grep -m 1 -oE '^v[0-9.]+$' "$log" || echo 'did not start')): $(tail -n 1 <<<"$summary")"
  if [[ $code -ne 0 ]]; then
    failures=$((failures + 1))
    tail -n 60 "$log"
    echo "$summary"
  fi
  rm -rf "$clone"
done

[[ $failures -eq 0 ]]
