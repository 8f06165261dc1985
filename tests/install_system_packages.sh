#!/bin/sh
# What the tests need from the system beside Python: the MQTT broker that production
# uses, and a browser. Installed when we may, else named.
set -eu

missing=""
PATH="$PATH:/usr/sbin:/usr/local/sbin"
command -v mosquitto >/dev/null 2>&1 || missing="$missing mosquitto"
command -v chromium >/dev/null 2>&1 || command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
    echo "the tests need:$missing; install it with this system's package manager" >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    sudo=""
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    sudo="sudo"
else
    echo "the tests need:$missing; run: sudo apt-get install$missing" >&2
    exit 1
fi
echo "== installing$missing"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -q >/dev/null
# shellcheck disable=SC2086 # a list of names
$sudo apt-get install -q -y --no-install-recommends $missing >/dev/null
