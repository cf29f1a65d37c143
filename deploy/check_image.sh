#!/usr/bin/env bash
# Runs the Dockerfile's steps where there is no Docker: the build stage in a fresh virtual environment under a temporary
# directory, then the command and the health check of the final stage from a read-only copy of it.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'kill "${worker:-}" 2>/dev/null || true; chmod -R u+w "$work"; rm -rf "$work"' EXIT
chmod 755 "$work"  # the database runs as another user than root
mkdir "$work/build"

# What COPY would bring, through .dockerignore.
cp -r requirements pyproject.toml README.md LICENSE src "$work/build/"
mkdir -p "$work/build/examples" && cp -r examples/documents "$work/build/examples/"

# Every RUN of the build stage, /opt/exora being elsewhere.
python3 - "$work" <<'PY' > "$work/steps.sh"
import re, sys
build = open("Dockerfile").read().split("\nFROM ")[1].replace("\\\n", " ")
for step in re.findall(r"^RUN (.*)$", build, re.M):
    print(step.replace("/opt/exora", sys.argv[1] + "/opt").replace("python -m venv", "python3 -m venv"))
PY
echo "— build stage"; cat "$work/steps.sh"
(cd "$work/build" && bash -euo pipefail "$work/steps.sh")

echo "— final stage"
rm -rf "$work/build"
chmod -R a-w "$work/opt"
for tool in pip uv hatchling gcc; do test ! -e "$work/opt/bin/$tool" || { echo "$tool is left in the image"; exit 1; }; done
export PATH="$work/opt/bin:$PATH" PYTHONDONTWRITEBYTECODE=1 PORT=18080 EXORA_DATA_DIR="$work/data"
exora --version
exora worker & worker=$!
check=$(python3 -c 'import json, re; print(json.loads(re.search(r"CMD (\[\"python\".*\])", open("Dockerfile").read())[1])[2])')
for _ in $(seq 60); do python -c "$check" 2>/dev/null && healthy=yes && break; sleep 1; done
test "${healthy:-}" = yes
kill -TERM "$worker" && wait "$worker"
echo "— healthy, and ended with 0 on SIGTERM"
