"""An image's files with their digests, as CycloneDX: what a generator such as syft is asked for, as far as a scenario needs it.

python parts.py ARCHIVE, where ARCHIVE is in the format of `docker save`.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tarfile
from collections.abc import Iterator
from typing import IO, cast


def files(archive: tarfile.TarFile) -> Iterator[tuple[str, str]]:
    """Path and SHA-256 of every regular file of every layer."""
    (image,) = json.load(cast(IO[bytes], archive.extractfile("manifest.json")))
    for name in image["Layers"]:
        with tarfile.open(fileobj=archive.extractfile(name)) as layer:
            for member in layer:
                if content := layer.extractfile(member) if member.isfile() else None:
                    yield member.name, hashlib.sha256(content.read()).hexdigest()


if __name__ == "__main__":
    with tarfile.open(sys.argv[1]) as archive:
        parts = [
            {"type": "file", "name": path, "hashes": [{"alg": "SHA-256", "content": digest}]}
            for path, digest in files(archive)
        ]
    sys.stdout.write(json.dumps({"bomFormat": "CycloneDX", "specVersion": "1.6", "components": parts}))
