"""What all tests share."""

from __future__ import annotations

import os
import signal

# A shell that uses a sandbox says so to every AWS client, container engine and command of the sandbox; tests have their own.
for name in (
    *("AWS_ENDPOINT_URL", "AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"),
    *("CONTAINERS_CONF", "CONTAINERS_STORAGE_CONF", "CONTAINERS_REGISTRIES_CONF", "REGISTRY_AUTH_FILE"),
    *("PEAR_SANDBOX_HOME", "PEAR_BASE_IMAGE", "AWS_DEFAULT_REGION"),
):
    os.environ.pop(name, None)

# A shell that starts the tests in the background has them ignore SIGINT, and so would every command that a test interrupts.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
