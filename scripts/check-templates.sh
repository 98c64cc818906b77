#!/usr/bin/env bash
# A template that nobody can read in a review is one that nobody reviews: no line of one is over 160 columns.
set -euo pipefail
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8
long=$(grep --with-filename --line-number --extended-regexp '^.{161,}' query/templates/* | cut -d: -f1,2 || true)
if [ -n "$long" ]; then
  while read -r place; do
    echo "$place: the line has more than 160 columns; give tags and attributes lines of their own" >&2
  done <<< "$long"
  exit 1
fi
