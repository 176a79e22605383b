"""What the sandbox takes from the machine, and gives back: an engine, a bridge network, loopback addresses, mounts."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

from . import environment, ports
from .config import SETTINGS, Settings
from .engine import LABEL, Engine, EngineError

_PACKAGES = {"podman": "podman runc buildah catatonit iptables", "docker": "docker.io"}
# Twice what a demo puts below the home: images, layers of containers, logs.
SPACE_MIB = 400
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


def needs_root() -> bool:
    """Whether this user is not root and the engine is podman: docker's daemon is root itself."""
    docker = shutil.which("docker") and not shutil.which("podman")
    engine = os.environ.get("PEAR_SANDBOX_ENGINE") or ("docker" if docker else "podman")
    return os.geteuid() != 0 and engine == "podman"


def check_user(command: str = "sudo make demo") -> None:
    """Root, before anything else is looked at: what else is wrong may only look so to another user."""
    if needs_root():
        raise Refused(
            "The sandbox needs root: podman gives containers addresses of their own, and the load balancer ports 443 "
            f"and 80, to root alone. Run it as root, for example: {command}"
        )


def is_home(home: Path) -> bool:
    """Whether the folder is a sandbox's, by its settings, or empty. What others keep there is never removed."""
    try:
        if {entry.name for entry in home.iterdir()} <= {f"{SETTINGS}.part"}:
            return True
        values = json.loads((home / SETTINGS).read_text())
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return False
    return isinstance(values, dict) and {"prefix", "network"} <= values.keys()


def check_home(home: Path) -> None:
    """A home is removed as a whole: it holds nothing else, and no other disk is mounted at it."""
    if re.search(r"[\s:,]", str(home)):
        raise Refused(
            f"The path {home} has a space, a colon or a comma, and the mounts of containers are written with these. Name "
            "another folder: PEAR_SANDBOX_HOME=/path/to/folder"
        )
    if os.path.ismount(home):
        raise Refused(
            f"A disk is mounted at {home}, and the sandbox's folder is removed as a whole. Name a folder on that disk: "
            f"PEAR_SANDBOX_HOME={home / 'sandbox'}"
        )
    if home.exists() and not is_home(home):
        raise Refused(
            f"{home} holds files that are not the sandbox's, and the sandbox's folder is removed as a whole. Name a folder "
            f"that does not exist yet: PEAR_SANDBOX_HOME={home / 'sandbox'}"
        )


def check_control_groups(mounted: str) -> None:
    """See that control groups are mounted and may be written to; `mounted` is the text of /proc/self/mounts."""
    groups = [fields for line in mounted.splitlines() if (fields := line.split())[2] in {"cgroup", "cgroup2"}]
    if not groups:
        raise Refused(
            "No control groups are mounted below /sys/fs/cgroup, and containers get their memory limits and CPU shares "
            "by them. In a chroot: mount --rbind /sys ROOT/sys; in a container: run it privileged."
        )
    if all("ro" in fields[3].split(",") for fields in groups):
        raise Refused(
            f"Control groups are mounted read-only ({groups[0][1]}), so no container could get its limits. "
            "Where this is a container, run it privileged."
        )


def check_space(home: Path) -> None:
    """See that the disk has room for what a demo puts there."""
    folder = next(parent for parent in (home, *home.parents) if parent.exists())
    disk = os.statvfs(folder)
    free = disk.f_bavail * disk.f_frsize // 2**20
    if free < SPACE_MIB:
        raise Refused(
            f"The disk of {folder} is too full: the sandbox needs {SPACE_MIB} MiB, {free} MiB are free. "
            "Make room, or name a folder on another disk: PEAR_SANDBOX_HOME=/path/to/folder"
        )


def choose_prefix(fixed: tuple[int, ...]) -> str:
    """The first loopback prefix on which each port that a sandbox needs can be bound; Refused where there is none."""
    refusals: list[str] = []
    for prefix in _PREFIXES:
        try:
            port = ports.taken(ports.needed(prefix, fixed))
        except PermissionError as denied:
            raise Refused(
                "This user may not bind port 443 on a loopback address. Run as root, or once: "
                "sysctl net.ipv4.ip_unprivileged_port_start=53"
            ) from denied
        if port is None:
            return prefix
        refusals.append(_refusal(port))
    # A program on all addresses is in the way on each of them, and says what is to be done; other sandboxes are many.
    raise Refused(next((text for text in refusals if "all addresses" in text), refusals[0]))


def _refusal(port: ports.Port) -> str:
    holder = ports.holder(port)
    if holder is None:
        return f"{port} cannot be bound on {port.address}, and nobody listens there: try again."
    if holder.address == "all addresses":
        return (
            f"{port} is taken on every loopback address: {holder}. "
            "Stop it, or let it listen on the addresses that it serves only."
        )
    return (
        f"No loopback prefix from {_PREFIXES[0]} to {_PREFIXES[-1]} is free; {port} of the first one is taken: {holder}. "
        f"Stop what is not needed: {environment.command(Path('HOME'), 'down')}"
    )


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
            next(plugin for plugin in content["plugins"] if plugin["type"] == "bridge")["bridge"] = settings.network
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
    """Have the engine give back everything: containers, network, images. EngineError where it does not; safe to repeat."""
    if settings.engine == "podman" and not settings.containers_conf.exists():
        return
    if shutil.which(settings.engine) is None:
        return
    while containers := engine.containers():
        engine.remove(*containers)
    if engine.attempt("network", "inspect", settings.network).returncode == 0:
        engine.call("network", "rm", "--force", settings.network)
    if settings.engine == "docker":
        images = engine.call("images", "--quiet", f"{settings.registry}/*").split()
        if images:
            engine.attempt("rmi", "--force", *images)
