#!/usr/bin/env bash
# The manifests of examples/kubernetes against the schemas of Kubernetes, and the units of examples/systemd by systemd's own check
# where there is one.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/versions.env
tools=target/tools/kubernetes-validate-$KUBERNETES_VALIDATE
if [ ! -x "$tools/bin/kubernetes-validate" ]; then
  rm -rf "$tools"
  python3 -m venv "$tools"
  "$tools/bin/pip" install --quiet --disable-pip-version-check "kubernetes-validate==$KUBERNETES_VALIDATE"
fi
cd examples/kubernetes
# The list of kustomize has no schema there; it has to name every other file.
manifests=()
for manifest in *.yaml; do
  [ "$manifest" != kustomization.yaml ] || continue
  grep -qx "  - $manifest" kustomization.yaml || { echo "kustomization.yaml does not name $manifest" >&2; exit 1; }
  manifests+=("$manifest")
done
"$OLDPWD/$tools/bin/kubernetes-validate" --quiet --strict --kubernetes-version "$KUBERNETES" "${manifests[@]}"

cd ../systemd
if command -v systemd-analyze >/dev/null; then
  units=$(mktemp -d)
  trap 'rm -rf "$units"' EXIT
  # The check wants to find what is started.
  for unit in *.service; do sed 's|/usr/local/bin/resultsdb|/bin/true|' "$unit" >"$units/$unit"; done
  ln -s resultsdb@.service "$units/resultsdb@query.service"
  if ! said=$(systemd-analyze verify --man=no "$units/resultsdb.service" "$units/resultsdb@query.service" 2>&1) || [ -n "$said" ]; then
    echo "$said" >&2
    exit 1
  fi
fi
