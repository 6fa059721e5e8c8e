#!/usr/bin/env bash
# Runs `python -m benchmarks gpu` on a machine that has torch, Triton, numpy and pillow, and no network.
#
#   benchmarks/gpu/offline.sh WHEELS [option ...]
#
# WHEELS is the folder that `make gpu-wheels` has filled; options go to `python -m benchmarks gpu`, such as --out.
# PYTHON names the Python that has torch. Its own packages stay as they are: the wheels go into a folder that is gone
# afterwards, and come first for this run alone. That works where Python is in an environment of its own, too, which an
# environment with --system-site-packages does not see.
set -euo pipefail
python=${PYTHON:-python3}
wheels=$(cd "${1:?the folder of wheels, made by make gpu-wheels}" && pwd)
shift
cd "$(dirname "$0")/../.."
site=$(mktemp --directory)
trap 'rm -rf "$site"' EXIT
"$python" -m pip install --quiet --disable-pip-version-check --no-index --no-deps --no-compile --target "$site" \
  "$wheels"/*.whl
export PYTHONPATH="$site${PYTHONPATH:+:$PYTHONPATH}"
# The code is read from the checkout. The program reads its own version from the metadata that an installation writes.
"$python" -c 'from setuptools import setup; setup()' --quiet egg_info --egg-base "$site"
"$python" -m benchmarks gpu "$@"
