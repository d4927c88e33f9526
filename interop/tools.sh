#!/bin/sh
# Installs what the tests need and this machine lacks: a C compiler (for Go's race
# detector), Node.js with npm, Chromium (or name another by $CHROMIUM), PostgreSQL,
# PgBouncer, curl, openssl and xmlsec1.
set -eu

missing=
need() { # a command, and the packages that bring it
	command=$1
	shift
	command -v "$command" >/dev/null || missing="$missing $*"
}
need gcc gcc libc6-dev
need curl curl ca-certificates
need openssl openssl
need xmlsec1 xmlsec1
need pgbouncer pgbouncer
need node nodejs
need npm npm
need "${CHROMIUM:-chromium}" chromium fonts-liberation
# Debian keeps PostgreSQL's programs out of PATH.
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || need initdb postgresql

[ -n "$missing" ] || exit 0
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
if ! command -v apt-get >/dev/null || { [ -n "$sudo" ] && ! command -v sudo >/dev/null; }; then
	echo "make test: the tests need these packages, which this machine lacks; please install them:$missing" >&2
	exit 1
fi
echo "Installing$missing"
$sudo apt-get update -qq
# shellcheck disable=SC2086 # a list
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
