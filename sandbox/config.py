"""Settings of one sandbox: its files, its loopback addresses, the engine that runs its containers."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).resolve().parent.parent
USUAL_HOME = REPOSITORY / ".sandbox"
ACCOUNT = "123456789012"
ACCESS_KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"


# Written first and removed last: a folder with this file, and what it says, is a sandbox's.
SETTINGS = "settings.json"


def home_from_environment() -> Path:
    """PEAR_SANDBOX_HOME, or .sandbox/ of this checkout."""
    return Path(os.environ.get("PEAR_SANDBOX_HOME") or USUAL_HOME).resolve()


# A path that ends in a slash, so that the page names its files without one.
CONSOLE = "/_sandbox/console/"


@dataclass(frozen=True)
class Settings:
    """What `up` decided once; every process of the sandbox reads it from HOME/settings.json."""

    home: Path
    prefix: str
    engine: str
    network: str
    subnet: str = ""
    region: str = "eu-central-1"
    account: str = ACCOUNT
    api_port: int = 4566
    registry_port: int = 5000
    registry_backend_port: int = 5001
    time_factor: float = 1.0

    @property
    def api_address(self) -> str:
        return f"{self.prefix}.0.1"

    @property
    def endpoint(self) -> str:
        return f"http://{self.api_address}:{self.api_port}"

    @property
    def console(self) -> str:
        """The page in the browser."""
        return f"{self.endpoint}{CONSOLE}"

    @property
    def name_server(self) -> str:
        """Where Route 53's hosted zones are answered."""
        return self.api_address

    @property
    def registry(self) -> str:
        """host:port of the registry front: what repository URIs begin with."""
        return f"{self.api_address}:{self.registry_port}"

    @property
    def registry_backend(self) -> str:
        """The registry behind the front, which keeps what the front lets pass."""
        return f"http://{self.api_address}:{self.registry_backend_port}"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    @property
    def containers_conf(self) -> Path:
        return self.home / "containers" / "containers.conf"

    @property
    def storage_conf(self) -> Path:
        return self.home / "containers" / "storage.conf"

    @property
    def registries_conf(self) -> Path:
        return self.home / "containers" / "registries.conf"

    @property
    def logins(self) -> Path:
        """Where podman keeps the logins to registries; it goes when the sandbox goes."""
        return self.home / "containers" / "auth.json"

    def engine_environment(self) -> dict[str, str]:
        """What steers podman and buildah to this sandbox's storage, network limits, registry and logins."""
        if self.engine != "podman":
            return {}
        return {
            "CONTAINERS_CONF": str(self.containers_conf),
            "CONTAINERS_STORAGE_CONF": str(self.storage_conf),
            "CONTAINERS_REGISTRIES_CONF": str(self.registries_conf),
            "REGISTRY_AUTH_FILE": str(self.logins),
        }

    def environment(self) -> dict[str, str]:
        """What a shell exports to work against this sandbox (`python -m sandbox env`)."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_DEFAULT_REGION": self.region,
            "PEAR_SANDBOX_HOME": str(self.home),
            **self.engine_environment(),
        }

    def with_values(self, **values: Any) -> Settings:
        return dataclasses.replace(self, **values)

    def save(self) -> None:
        values = {**dataclasses.asdict(self), "home": str(self.home)}
        # Beside, then moved: a process that is interrupted here leaves no half of it.
        part = self.home / f"{SETTINGS}.part"
        part.write_text(json.dumps(values, indent=2) + "\n")
        part.replace(self.home / SETTINGS)

    @classmethod
    def load(cls, home: Path) -> Settings:
        values = json.loads((home / SETTINGS).read_text())
        return cls(**{**values, "home": Path(values["home"])})
