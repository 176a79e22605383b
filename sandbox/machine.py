"""What the sandbox takes from the machine, and gives back: an engine, a bridge network, loopback addresses, mounts."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from .config import Settings
from .engine import LABEL, Engine, EngineError

_PACKAGES = {
    "podman": "podman runc buildah containernetworking-plugins iptables catatonit",
    "docker": "docker.io",
}
_PREFIXES = [f"127.{number}" for number in range(77, 100)]
# The third part is the sandbox's own number: a bridge exists only once a container is attached, so that two sandboxes
# would not see each other's.
_SUBNETS = ("10.213.{}.0/24", "10.214.{}.0/24", "10.177.{}.0/24", "172.29.{}.0/24")


class Refused(RuntimeError):
    """The sandbox cannot run here; the text says why, and what to do."""


def choose_engine() -> str:
    """PEAR_SANDBOX_ENGINE, else podman, else docker; Refused where there is none."""
    wanted = os.environ.get("PEAR_SANDBOX_ENGINE")
    candidates = [wanted] if wanted else ["podman", "docker"]
    found = next((name for name in candidates if shutil.which(name)), None)
    if found is None:
        packages = _PACKAGES.get(candidates[0], _PACKAGES["podman"])
        raise Refused(
            f"There is no container engine: {' and '.join(candidates)} not found on PATH. A task here is a real "
            f"container, so nothing can run. As root, on Debian: apt-get install -y --no-install-recommends {packages}"
        )
    if os.path.basename(found) not in _PACKAGES:
        raise Refused(f"PEAR_SANDBOX_ENGINE is {found}; the sandbox knows podman and docker.")
    return found


def check_ports(prefix: str) -> None:
    """Load balancers listen on the real ports, 443 and 80: see beforehand that this is allowed."""
    with socket.socket() as probe:
        try:
            probe.bind((f"{prefix}.1.254", 443))
        except PermissionError as denied:
            raise Refused(
                "Binding port 443 on a loopback address is not permitted for this user. Run as root, or once: "
                "sysctl net.ipv4.ip_unprivileged_port_start=80"
            ) from denied
    with socket.socket(type=socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((f"{prefix}.1.254", 53))
        except OSError as taken:
            raise Refused(
                f"Port 53 on a loopback address cannot be bound ({taken}): a name server of this machine listens on all "
                "addresses. Let it listen on its own ones only, for dnsmasq with bind-interfaces."
            ) from taken
    if os.geteuid() != 0 and shutil.which("podman") and not shutil.which("docker"):
        raise Refused("Rootless podman gives containers no address that the load balancer could reach: run as root.")


@contextlib.contextmanager
def one_at_a_time() -> Iterator[None]:
    """Wait while another sandbox of this machine starts."""
    with (Path(tempfile.gettempdir()) / "pear-sandbox.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def choose_prefix(ports: tuple[int, ...]) -> str:
    """The first loopback prefix whose addresses no other sandbox holds."""
    for prefix in _PREFIXES:
        if all(_free(f"{prefix}.0.1", port) for port in ports):
            return prefix
    raise Refused(f"No loopback prefix is free: {_PREFIXES[0]} to {_PREFIXES[-1]} are all taken by other sandboxes.")


def _free(address: str, port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def write_podman_configuration(settings: Settings) -> None:
    """Private storage, limits that need no capability beyond root's usual ones, and the registry without TLS."""
    folder = settings.containers_conf.parent
    for name in ("storage", "run", "tmp", "networks", "volumes"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    settings.containers_conf.write_text(
        "[containers]\n"
        'default_ulimits = ["nofile=1024:1024", "nproc=1000:1000"]\n'
        "[engine]\n"
        'cgroup_manager = "cgroupfs"\n'
        'events_logger = "file"\n'
        'runtime = "runc"\n'
        # Lock files of our own: the shared memory segment is one for all storages, and each of them renumbers it.
        'lock_type = "file"\n'
        f'tmp_dir = "{folder / "tmp"}"\n'
        f'volume_path = "{folder / "volumes"}"\n'
        "[network]\n"
        f'network_config_dir = "{folder / "networks"}"\n'
    )
    settings.storage_conf.write_text(
        f'[storage]\ndriver = "overlay"\ngraphroot = "{folder / "storage"}"\nrunroot = "{folder / "run"}"\n'
    )
    settings.registries_conf.write_text(
        'unqualified-search-registries = ["docker.io"]\n'
        f'[[registry]]\nlocation = "{settings.registry}"\ninsecure = true\n'
    )
    # podman refuses to start where the file it is pointed to does not exist.
    settings.logins.write_text("{}\n")
    settings.logins.chmod(0o600)


def create_network(settings: Settings, engine: Engine) -> str:
    """Create the bridge the tasks sit on; return its subnet, the first that collides with nothing here."""
    refusals = []
    for pattern in _SUBNETS:
        subnet = pattern.format(settings.prefix.partition(".")[2])
        if _routed(subnet):
            continue
        options = ["--label", f"{LABEL}={settings.home}", "--subnet", subnet]
        if settings.engine == "docker":
            options += ["--opt", f"com.docker.network.bridge.name={settings.network}"]
        done = engine.attempt("network", "create", *options, settings.network)
        if done.returncode == 0:
            _name_bridge(settings)
            return subnet
        refusals.append(done.stderr.strip())
        if "subnet" not in done.stderr and "overlap" not in done.stderr:
            break
    raise Refused(
        f"{engine.program} could not create a bridge network: {refusals[-1] if refusals else 'no free subnet'}"
    )


def _name_bridge(settings: Settings) -> None:
    """podman numbers bridges by what its own configuration holds, so that two sandboxes would get the same one."""
    folder = settings.home / "containers" / "networks"
    for file, kind in ((f"{settings.network}.conflist", "CNI"), (f"{settings.network}.json", "netavark")):
        path = folder / file
        if not path.exists():
            continue
        content = json.loads(path.read_text())
        if kind == "CNI":
            next(one for one in content["plugins"] if one["type"] == "bridge")["bridge"] = settings.network
        else:
            content["network_interface"] = settings.network
        path.write_text(json.dumps(content, indent=2))


def _routed(subnet: str) -> bool:
    wanted = subnet.rpartition(".")[0] + "."
    routes = subprocess.run(["ip", "-4", "route"], capture_output=True, text=True, check=True).stdout
    return any(line.startswith(wanted) for line in routes.splitlines())


def check_engine(engine: Engine) -> None:
    try:
        engine.call("info", timeout=60)
    except EngineError as refused:
        raise Refused(f"{engine.program} is installed but does not work here: {refused}") from refused


def release(settings: Settings, engine: Engine) -> None:
    """Give back everything: containers, network, leases of addresses, images, mounts. Safe to repeat."""
    if settings.engine == "podman" and not settings.containers_conf.exists():
        return
    if shutil.which(settings.engine):
        engine.remove(*engine.containers())
        if engine.attempt("network", "inspect", settings.network).returncode == 0:
            engine.attempt("network", "rm", "--force", settings.network)
        if settings.engine == "docker":
            images = engine.call("images", "--quiet", f"{settings.registry}/*").split()
            if images:
                engine.attempt("rmi", "--force", *images)
    unmount_below(settings.home)
    if settings.network:
        shutil.rmtree(Path("/var/lib/cni/networks") / settings.network, ignore_errors=True)
        for leftover in Path("/var/lib/cni/results").glob(f"{settings.network}-*"):
            leftover.unlink(missing_ok=True)


def unmount_below(home: Path) -> None:
    """Detach mounts that an engine left below the home, the deepest first."""
    mounts = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((m for m in mounts if Path(m).is_relative_to(home)), key=len, reverse=True):
        subprocess.run(["umount", "--lazy", mount], capture_output=True, check=False)
