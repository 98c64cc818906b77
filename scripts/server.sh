# Sourced: starts a server on an empty directory that is gone when the shell ends, with CONFIG as its configuration. Sets `url`, `server` and `work`.
work=$(mktemp -d)
server=
finish() {
  [ -z "$server" ] || kill "$server" 2>/dev/null || true
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
target/release/resultsdb serve --data-dir "$work/data" --listen 127.0.0.1:0 --config "${CONFIG:-examples/webkit.toml}" \
  >"$work/address" 2>"$work/log" &
server=$!
until grep -qs listening "$work/address"; do kill -0 "$server"; sleep 0.1; done
url=$(sed 's/^listening on //' "$work/address")
