#!/bin/bash
# Install what of a list (debian-packages.txt) is missing: by apt when root, else name it and go on.
set -euo pipefail
cd "$(dirname "$0")"
list=${1:-debian-packages.txt}

if ! command -v dpkg-query >/dev/null; then
	echo "setup: no Debian here; needed are the programs of config/$list" >&2
	exit 0
fi
mapfile -t wanted < <(sed -E 's/[[:space:]]*(#.*)?$//; s/[[:space:]].*//; /^$/d' "$list")
missing=()
for package in "${wanted[@]}"; do
	state=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null || true)
	[ "$state" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
	echo "setup: Debian packages are missing; run: sudo apt-get install ${missing[*]}" >&2
	exit 0
fi
echo "setup: Debian packages ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq
apt-get install -qq --no-install-recommends "${missing[@]}" >/dev/null
