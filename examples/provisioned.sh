#!/usr/bin/env bash
# A provisioned function: its instances are initialised before anybody calls, and kept.
#
# Have a daemon (faasd serve) and faasd in your PATH; then run this, or type its commands.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# A function that takes a second to load, as one with a model does.
cat >"$work/app.py" <<'PY'
import time
time.sleep(1)

def handler(event, context):
    return "ready"
PY
faasd deploy model "$work" --runtime python3.11 --handler app.handler
faasd publish model
faasd alias model live 1

# Two instances for model:live. The command returns when both are initialised (or with --no-wait, at once).
faasd concurrency model --provision 2 --qualifier live

# So the first call finds one ("Start":"warm"), and takes no second.
faasd invoke model:live --json

# What bounds the function, what of it is used, and where each limit was set.
faasd why model --qualifier live

faasd concurrency model --provision 0 --qualifier live
faasd delete model
