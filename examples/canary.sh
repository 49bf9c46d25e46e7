#!/usr/bin/env bash
# A canary release: a new version gets a tenth of an alias's calls, then all of them, and one command goes back.
#
# Have a daemon (faasd serve) and faasd in your PATH; then run this, or type its commands.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The first version. Callers call shop:live and never see which version that is.
cat >"$work/app.py" <<'PY'
def handler(event, context):
    return "blue"
PY
faasd deploy shop "$work" --runtime python3.11 --handler app.handler
faasd publish shop --description blue
faasd alias shop live 1
faasd invoke shop:live

# The second one. Deploying changes $LATEST alone; shop:live is still blue.
sed -i s/blue/green/ "$work/app.py"
faasd deploy shop "$work"
faasd publish shop --description green
faasd invoke shop:live

# The canary: of fifty calls about five are green.
faasd alias shop live 1 --weight 2=10
for _ in {1..50}; do faasd invoke shop:live; done | sort | uniq -c
faasd versions shop

# All is well: every call is green from the next one on.
faasd alias shop live 2
faasd invoke shop:live

# Or it is not: version 1 never changed, and going back is as quick.
faasd alias shop live 1
faasd invoke shop:live
faasd delete shop
