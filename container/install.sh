#!/bin/sh
# What an image is made of, in a folder with the course's lists of packages: bubblewrap, and the environment of
# requirements.lock with PyTorch's CPU-only build.
set -eu
ENVIRONMENT=${ENVIRONMENT:-/opt/course}
export DEBIAN_FRONTEND=noninteractive PIP_NO_CACHE_DIR=1 UV_NO_CACHE=1

apt-get update --quiet
apt-get install --quiet --yes --no-install-recommends bubblewrap make python3-venv
rm -rf /var/lib/apt/lists/*

python3 -m venv "$ENVIRONMENT"
"$ENVIRONMENT/bin/pip" install --quiet uv
"$ENVIRONMENT/bin/uv" pip install --quiet --python "$ENVIRONMENT" --torch-backend=cpu "$(grep '^torch==' requirements.lock)"
make --no-print-directory VENV="$ENVIRONMENT" "$ENVIRONMENT/.ready" # everything else; it keeps that torch
"$ENVIRONMENT/bin/pip" install --quiet --constraint requirements.lock jupyter-server-proxy # for `course mark`

useradd --create-home --uid 1000 instructor
