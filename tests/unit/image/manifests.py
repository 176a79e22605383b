"""The manifest of an image, as small as ECR takes it."""

from __future__ import annotations

import json

KIND = "application/vnd.oci.image.manifest.v1+json"
MANIFEST = json.dumps(
    {"schemaVersion": 2, "mediaType": KIND, "config": {"digest": "sha256:c", "size": 1}, "layers": []}
)
