#!/usr/bin/env bash
# Makes the inputs of bench:peers in a directory (where left out: nomsy-corpus in the temporary directory), 3.9 GB:
# the tar inside Debian's package linux-source-6.1, what is in it, 1 GiB of random bytes, and six releases of the npm package
# typescript as tar files. Takes Debian's package sources and npm.
set -euo pipefail

dir=${1:-${TMPDIR:-/tmp}/nomsy-corpus}
mkdir -p "$dir"
cd "$dir"

if [ ! -s linux-6.1.tar ]; then
  apt-get download linux-source-6.1
  dpkg-deb --fsys-tarfile linux-source-6.1_*.deb |
    tar -xO --wildcards '*/linux-source-6.1.tar.xz' | xz -dc >linux-6.1.tar.part
  mv linux-6.1.tar.part linux-6.1.tar
  rm linux-source-6.1_*.deb
fi

if [ ! -d linux-tree ]; then
  rm -rf linux-tree.part && mkdir linux-tree.part
  tar xf linux-6.1.tar -C linux-tree.part
  mv linux-tree.part linux-tree
fi

if [ ! -s random-1g ]; then
  head -c 1073741824 /dev/urandom >random-1g.part
  mv random-1g.part random-1g
fi

for version in 5.4.5 5.5.4 5.6.3 5.7.3 5.8.3 5.9.3; do
  if [ ! -s "ts-$version.tar" ]; then
    npm pack --silent "typescript@$version" >/dev/null
    gunzip -c "typescript-$version.tgz" >"ts-$version.tar.part"
    mv "ts-$version.tar.part" "ts-$version.tar"
    rm "typescript-$version.tgz"
  fi
done
