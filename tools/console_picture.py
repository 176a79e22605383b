"""Photograph the sandbox's console in the middle of a canary whose new version fails: docs/images/console.png."""

from __future__ import annotations

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.stage import stage  # noqa: E402
from sandbox.config import Settings  # noqa: E402
from tests.stories.arcade import HOST, Arcade  # noqa: E402
from tests.stories.conftest import Stage  # noqa: E402
from tests.stories.load import traffic  # noqa: E402
from tests.support.browser import browser  # noqa: E402
from tests.support.plays import Player  # noqa: E402

PICTURE = ROOT / "docs/images/console.png"
# A minute of CloudWatch lasts five seconds, and the graphs show thirty.
TIME_FACTOR, RATE, BEFORE_SECONDS, AFTER_SECONDS, WAIT_SECONDS = 12, 30, 60, 30, 900
# Errors below the ceiling of its gate, so that the canary goes on while the picture is taken.
CANARY = {
    "service_strategy": "canary",
    "service_strategy_options": {"percent": 20, "duration_seconds": 120, "bake_seconds": 0},
}
CHAOS = {"CHAOS_ENABLED": "true", "CHAOS_ERROR_RATE": "0.1"}


def main() -> None:
    with stage("--time-factor", str(TIME_FACTOR)) as here:
        home = Path(here.environment["PEAR_SANDBOX_HOME"])
        arcade = Arcade(Stage(home, here.environment))
        Player(here.environment).run("playbooks/deploy.yml").succeeded()
        arcade.player.run("playbooks/provision.yml", "-l", "arcade").succeeded()
        arcade.release("1.0").succeeded()
        with traffic(arcade.stage, "/leaderboard", RATE, host=HOST):
            time.sleep(BEFORE_SECONDS)
            release = arcade.begin("1.1", environment=CHAOS, **CANARY)
            until = time.monotonic() + WAIT_SECONDS
            while sorted(arcade.weights().values()) != [20, 80]:
                if release.poll() is not None or time.monotonic() > until:
                    raise SystemExit(f"no canary to photograph: {release.communicate()[0]}")
                time.sleep(0.5)
            time.sleep(AFTER_SECONDS)
            with browser(height=1150) as driver:
                driver.get(Settings.load(home).console)
                # A few of its rounds.
                time.sleep(10)
                driver.save_screenshot(str(PICTURE))
            release.communicate()
    print(f"{PICTURE.relative_to(ROOT)} is written")


if __name__ == "__main__":
    main()
