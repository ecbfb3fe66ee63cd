#!/bin/sh
# Runs the linkmail binary of this machine.
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd) || exit 1
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
