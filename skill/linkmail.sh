#!/bin/sh
# Runs the linkmail binary of this machine.
self=$0
hops=0
# The binary is beside this file, not beside a link to it. POSIX has neither
# readlink nor its -f, so follow the links one by one.
while [ -h "$self" ]; do
	hops=$((hops + 1))
	if [ "$hops" -gt 40 ]; then
		echo "linkmail: $0 links in a circle" >&2
		exit 2
	fi
	if ! target=$(readlink -- "$self" 2>/dev/null); then
		target=$(ls -ld -- "$self") || exit 1
		target=${target#*"$self -> "}
	fi
	case $target in
	/*) self=$target ;;
	*) self=$(dirname -- "$self")/$target ;;
	esac
done
here=$(CDPATH='' cd -- "$(dirname -- "$self")" && pwd) || exit 1
os=$(uname -s | tr '[:upper:]' '[:lower:]')
case $(uname -m) in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
*) arch=$(uname -m) ;;
esac
bin=$here/linkmail-$os-$arch
if [ ! -f "$bin" ]; then
	echo "linkmail: this skill has no binary for $os on $arch" >&2
	exit 2
fi
# Some hosts lose the execute permission when they unpack.
[ -x "$bin" ] || chmod +x "$bin" 2>/dev/null
exec "$bin" "$@"
