# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Building an image: a digest of everything that goes into it, and the commands of the three engines. No AWS here."""

from __future__ import annotations

import fnmatch
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..aws.errors import Failure

ENGINES = ("podman", "buildah", "docker")
_LAST_LINES = 25
_DOCKER_SETTINGS = "config.json"
_NEVER = (".git", ".git/*")


@dataclass(frozen=True)
class Build:
    """What to build: directory, file, arguments, labels."""

    context: Path
    containerfile: Path
    args: Mapping[str, str]
    platform: str = ""
    isolation: str = ""


def find_engine(desired: str) -> str:
    """The engine asked for, or the first that is installed."""
    names = ENGINES if desired == "auto" else (desired,)
    for name in names:
        if shutil.which(name):
            return name
    raise Failure(
        f"No container engine to build with: {', '.join(names)} not found on PATH. Install podman, buildah or docker on the "
        "controller, or deploy a prebuilt image with service_image."
    )


def plan(context: str, containerfile: str, args: Mapping[str, str], platform: str, isolation: str) -> Build:
    """Check that what is to be built is there. Raises Failure with what is missing."""
    folder = Path(context).expanduser().resolve()
    if not folder.is_dir():
        raise Failure(f"The build context {folder} is no directory. Check registry_build.context.")
    candidates = [containerfile] if containerfile else ["Containerfile", "Dockerfile"]
    found = next((folder / name for name in candidates if (folder / name).is_file()), None)
    if found is None:
        raise Failure(f"There is no {' or '.join(candidates)} in {folder}. Check registry_build.containerfile.")
    return Build(folder, found, {key: str(value) for key, value in args.items()}, platform, isolation)


def content_digest(build: Build) -> str:
    """Twelve hexadecimal digits over all files that the build can see, their modes, the arguments and the platform.

    Raises Failure with the file that cannot be read, such as one that went while the others were.
    """
    digest = hashlib.sha256()
    for path in files(build.context):
        name = path.relative_to(build.context).as_posix()
        try:
            digest.update(f"{name}\0{path.lstat().st_mode & 0o111}\0".encode())
            digest.update(os.readlink(path).encode() if path.is_symlink() else path.read_bytes())
        except OSError as error:
            raise Failure(
                f"The build context {build.context} cannot be read whole: {error.strerror}: {name}. Let nothing write into it "
                "during a build, or leave the file out with .containerignore."
            ) from error
    digest.update(build.containerfile.read_bytes())
    for key, value in sorted(build.args.items()):
        digest.update(f"\0{key}={value}".encode())
    digest.update(f"\0{build.platform}".encode())
    return digest.hexdigest()[:12]


def files(context: Path) -> Iterator[Path]:
    """Files of a build context in a stable order, without what .containerignore or .dockerignore leaves out."""
    patterns = list(_ignored(context))
    for path in sorted(context.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            continue
        name = path.relative_to(context).as_posix()
        if not _matches(name, patterns):
            yield path


def _ignored(context: Path) -> Iterator[str]:
    yield from _NEVER
    for name in (".containerignore", ".dockerignore"):
        if (context / name).is_file():
            for line in (context / name).read_text().splitlines():
                if line.strip() and not line.startswith("#"):
                    yield line.strip()
            return


def _matches(name: str, patterns: Sequence[str]) -> bool:
    """The last pattern that fits decides; one that begins with ! takes a file in again."""
    ignored = False
    for pattern in patterns:
        desired = not pattern.startswith("!")
        bare = pattern.lstrip("!").strip("/")
        parents = [name, *(str(parent) for parent in Path(name).parents if str(parent) != ".")]
        options = [bare, bare.removeprefix("**/")] if bare.startswith("**/") else [bare]
        if any(fnmatch.fnmatchcase(part, option) for part in parents for option in options) or (
            bare.startswith("**/") and any(fnmatch.fnmatchcase(Path(part).name, bare[3:]) for part in parents)
        ):
            ignored = desired
    return ignored


class Engine:
    """podman, buildah or docker. Passwords go in by standard input, and are kept for as long as they are needed only."""

    def __init__(self, name: str, say: Callable[[str], None]) -> None:
        self.name = name
        self._say = say
        self._environ: Mapping[str, str] = os.environ

    def build(self, build: Build, tag: str, labels: Mapping[str, str]) -> None:
        """Build, saying each step as it begins. Raises Failure with the last lines of the output."""
        words = [self.name, "build", "--tag", tag, "--file", str(build.containerfile)]
        for key, value in build.args.items():
            words += ["--build-arg", f"{key}={value}"]
        for key, value in labels.items():
            words += ["--label", f"{key}={value}"]
        if build.platform:
            words += ["--platform", build.platform]
        if self.name != "docker":
            # Docker's format: the one that every version of every engine and ECR's scanner read.
            words += ["--format", "docker"]
            if build.isolation:
                words += ["--isolation", build.isolation]
        lines: list[str] = []
        with subprocess.Popen(
            [*words, str(build.context)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        ) as process:
            for line in process.stdout or ():
                lines.append(line.rstrip())
                if line.startswith("STEP"):
                    self._say(line.strip())
        if process.returncode != 0:
            raise Failure(
                f"Failed to build {build.context} with {self.name} (exit status {process.returncode}). Its last lines:\n"
                + "\n".join(lines[-_LAST_LINES:])
            )

    @contextmanager
    def logged_in(self, host: str, user: str, password: str) -> Iterator[None]:
        """Push and pull with this password; the logins of whoever runs this stay as they are, and this one is forgotten."""
        with tempfile.TemporaryDirectory(prefix="pear-login-") as folder:
            self._environ = {**os.environ, **_own_logins(self.name, Path(folder))}
            try:
                self._call(["login", "--username", user, "--password-stdin", host], f"log in to {host}", password)
                yield
            finally:
                self._environ = os.environ

    def tag(self, source: str, target: str) -> None:
        self._call(["tag", source, target], f"tag {source}")

    def push(self, reference: str) -> None:
        self._call(["push", reference], f"push {reference}")

    def pull(self, reference: str) -> None:
        self._call(["pull", reference], f"pull {reference}")

    def save(self, reference: str, path: Path) -> None:
        """Write an image into a file in the format of `docker save`, which whatever looks into images reads."""
        words = {
            "podman": ["save", "--format", "docker-archive", "--output", str(path), reference],
            "buildah": ["push", reference, f"docker-archive:{path}"],
            "docker": ["save", "--output", str(path), reference],
        }
        self._call(words[self.name], f"save {reference}")

    def remove(self, reference: str) -> None:
        """Take a tag away again; the layers stay as the cache of the next build."""
        self._call(["rmi", reference], f"remove the local tag {reference}")

    def _call(self, words: list[str], attempt: str, stdin: str | None = None) -> None:
        done = subprocess.run(
            [self.name, *words],
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            env=self._environ,
        )
        if done.returncode != 0:
            said = (done.stderr or done.stdout).strip().splitlines()[-_LAST_LINES:]
            raise Failure(f"Failed to {attempt} with {self.name}: " + "\n".join(said))


def _own_logins(engine: str, folder: Path) -> dict[str, str]:
    """Environment variables that make an engine keep its logins in a folder."""
    if engine != "docker":
        return {"REGISTRY_AUTH_FILE": str(folder / "auth.json")}
    # Docker keeps them beside all its other settings, of which the contexts say where its daemon is.
    usual = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    for entry in usual.iterdir() if usual.is_dir() else ():
        if entry.name != _DOCKER_SETTINGS:
            (folder / entry.name).symlink_to(entry.resolve())
    known = usual / _DOCKER_SETTINGS
    settings = json.loads(known.read_text()) if known.is_file() else {}
    kept = {key: value for key, value in settings.items() if key not in ("auths", "credsStore", "credHelpers")}
    (folder / _DOCKER_SETTINGS).write_text(json.dumps(kept))
    return {"DOCKER_CONFIG": str(folder)}
