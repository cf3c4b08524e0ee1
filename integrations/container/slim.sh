#!/bin/sh -e
# Takes out of an image what is never used there: pip, the packages' own tests, headers, and the
# bytecode of modules that are never imported. Arguments: the modules to compile, and all they import.
pip uninstall --yes --quiet pip setuptools
find /opt/alsolike/lib -depth -type d \
    \( -name tests -o -name test -o -name __pycache__ -o -path '*/torch/include' \) -exec rm -rf {} +
for module in service.cli.alsolike service.server service.fastapi_app alembic.command psycopg "$@"; do
    PYTHONDONTWRITEBYTECODE='' python3 -c "import $module"
done
