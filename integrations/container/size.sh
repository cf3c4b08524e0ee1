#!/bin/sh -e
# Says how large both images are, in MB of 1,000,000 bytes, where no container daemon is at hand:
# Debian's packages by mmdebstrap (as root), what pip installs by a virtual environment.
# Run in the folder of the repository. Takes some minutes, the network and 4 GB under $TMPDIR.
WORK=$(mktemp -d)
trap 'rm -rf "$WORK"' EXIT
size() { du -s --apparent-size -B1000000 "$1" | cut -f1; }
mmdebstrap --quiet --variant=minbase --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
    --dpkgopt='path-exclude=/usr/share/locale/*' \
    --include=ca-certificates,python3,usr-is-merged \
    --customize-hook='chroot "$1" apt-get purge -qq usrmerge perl libperl5.36 perl-modules-5.36' \
    --customize-hook='chroot "$1" dpkg --purge --force-all $(cat integrations/container/packages-left-out)' \
    bookworm "$WORK/debian" >/dev/null 2>&1  # of the first four Debian's slim image holds none either
debian=$(size "$WORK/debian")
git archive HEAD | (mkdir "$WORK/source" && tar -x -C "$WORK/source")
cd "$WORK/source"
PATH_BEFORE=$PATH
for image in serve full; do
    export ALSOLIKE_VENV="$WORK/$image" PATH="$WORK/$image/bin:$PATH_BEFORE"
    python3 -m venv "$ALSOLIKE_VENV"
    if [ $image = serve ]; then
        pip install --no-cache-dir -q -c constraints.txt -r requirements-serve.txt
        pip install --no-cache-dir -q -c constraints.txt --no-deps .
        sh integrations/container/slim.sh service.http.fast_protocol
    else
        pip install --no-cache-dir -q -c constraints.txt torch
        pip install --no-cache-dir -q -c constraints.txt . "psycopg[binary]"
        sh integrations/container/slim.sh service.serving.drafts index.building.builder sentence_transformers
    fi
    rm -rf "$WORK/debian/opt/alsolike" && cp -a "$ALSOLIKE_VENV" "$WORK/debian/opt/alsolike"
    chroot "$WORK/debian" env PYTHONPATH=/opt/alsolike/lib/python3.11/site-packages python3 -c \
        'import service.server, service.fastapi_app; from service.cli.alsolike import *'
    echo "$image: Debian and Python $debian MB, the rest $(size "$ALSOLIKE_VENV") MB"
done
