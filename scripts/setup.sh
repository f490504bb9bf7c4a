# Sourced by scripts/demo and scripts/test: makes the virtual environment and installs the project
# into it. `set_up PROFILE EXTRAS` leaves $VENV; a second call with nothing changed does nothing.

VENV="${AGOR_VENV:-$PWD/.venv}"

stop() {
  echo "$1" >&2
  exit 1
}

find_python() {
  local name
  for name in "${AGOR_PYTHON:-}" python3 python3.13 python3.12 python3.11 python; do
    [ -n "$name" ] && command -v "$name" >/dev/null || continue
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      PYTHON="$name"
      return
    fi
  done
  stop "Python 3.11 or newer is needed: install it (Debian: apt-get install python3 python3-venv)."
}

fingerprint() {
  {
    cat pyproject.toml build_js.py labextension/package.json labextension/yarn.lock
    find labextension/src labextension/style labextension/schema -type f -exec cksum {} + | sort
  } | cksum
}

built_front_end() {
  [ -f agor_jupyter/labextension/static/style.js ] &&
    [ -z "$(find labextension/src labextension/style labextension/schema labextension/package.json -newer agor_jupyter/labextension/package.json -print -quit)" ]
}

# Install in silence but for a sign of life; when it fails, show the end of what was said.
install() {
  local log="$VENV/agor-install.log" pid seconds=0
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check -e "$1" >"$log" 2>&1 &
  pid=$!
  trap 'kill "$pid" 2>/dev/null; exit 130' INT TERM
  while kill -0 "$pid" 2>/dev/null; do
    sleep 1
    seconds=$((seconds + 1))
    if [ $((seconds % 20)) = 0 ]; then echo "  $seconds s"; fi
  done
  trap - INT TERM
  if ! wait "$pid"; then
    tail -n 25 "$log" >&2
    stop "The installation failed; all that was said: $log. It needs PyPI and the npm registry; behind a proxy that re-signs TLS set NODE_EXTRA_CA_CERTS."
  fi
}

set_up() {
  local profile="$1" extras="$2" stamp
  command -v git >/dev/null || stop "git is needed: install it (Debian: apt-get install git)."
  find_python
  if [ ! -x "$VENV/bin/python" ]; then
    "$PYTHON" -c 'import venv, ensurepip' 2>/dev/null ||
      stop "Python's venv module is needed: install it (Debian: apt-get install python3-venv)."
    echo "Making a virtual environment in $VENV"
    "$PYTHON" -m venv "$VENV"
  fi
  stamp="$VENV/.agor-$profile"
  if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(fingerprint)" ] && built_front_end; then
    return
  fi
  built_front_end || rm -rf agor_jupyter/labextension
  echo "Installing agor-jupyter and building its panel (a few minutes the first time)"
  install ".$extras"
  fingerprint >"$stamp"
}
