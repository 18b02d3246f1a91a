#!/bin/bash
# Builds the Debian packages of the newest commit: packaging/build.sh FOLDER [VERSION]
#
# The tree is laid out in FOLDER/carebus-UPSTREAM as git has it, packaging/debian becomes its debian/, and what dpkg-buildpackage makes is
# left in FOLDER. VERSION takes the place of the newest one of the changelog. The tests of the tree are not run: ./run test does that.
set -euo pipefail

top=$(cd "$(dirname "$0")/.." && pwd)
[[ $# -ge 1 ]] || {
    echo "use: packaging/build.sh FOLDER [VERSION]" >&2
    exit 64
}
mkdir -p "$1"
folder=$(cd "$1" && pwd)
version=${2:-$(dpkg-parsechangelog -l "$top/packaging/debian/changelog" -S Version)}
tree=$folder/carebus-${version%-*}

rm -rf "$tree"
mkdir -p "$tree"
git -C "$top" archive HEAD | tar -x -C "$tree"
mv "$tree/packaging/debian" "$tree/debian"
if [[ $# -ge 2 ]]; then
    sed -i "1s/([^)]*)/($version)/" "$tree/debian/changelog"
fi
cd "$tree"
DEB_BUILD_OPTIONS="nocheck parallel=$(nproc)"
export DEB_BUILD_OPTIONS
exec dpkg-buildpackage -us -uc -b
