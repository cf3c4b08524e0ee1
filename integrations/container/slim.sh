#!/bin/sh -e
# Takes out of an image what is never used there: pip, what only downloads models, the packages' own
# tests, headers, symbols for debuggers, and the bytecode of modules that are never imported.
# Arguments: the modules to compile, and all they import. Libraries in '*.libs' break when stripped.
HERE=${ALSOLIKE_VENV:-/opt/alsolike}
pip uninstall --yes --quiet hf-xet setuptools pip
find "$HERE/lib" -depth -type d \
    \( -name tests -o -name test -o -name __pycache__ -o -path '*/torch/include' \) -exec rm -rf {} +
find "$HERE/lib" -path '*/torch/bin/*' ! -name torch_shm_manager -delete
find "$HERE/lib" -name '*.so*' -type f ! -path '*.libs/*' -exec strip --strip-unneeded {} +
cd "$HERE"  # in the folder of the source, its modules would be compiled instead of those installed
for module in service.cli.alsolike service.server service.fastapi_app alembic.command psycopg "$@"; do
    PYTHONDONTWRITEBYTECODE='' python3 -c "import $module"
done
