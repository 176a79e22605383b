# Copyright: pear.fargate contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The layout of an environment's network: which subnets, with which addresses, in which zones. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

# Of a /16: private subnets are /20 from the bottom (4,091 tasks each), public and data ones /24 in the upper half.
# Their place depends on tier and index alone, so that a zone that is added later moves no other subnet.
_SHARES = {"private": (4, 0), "public": (8, 128), "data": (8, 192)}
_MOST_ZONES = 6


def layout(
    cidr: str, zones: Sequence[str], count: int, wanted_zones: Sequence[str] = (), data: bool = False
) -> list[dict[str, str]]:
    """Return the subnets of a network: name, tier, zone, cidr. Raises ValueError with a sentence for what cannot be."""
    network = ipaddress.ip_network(cidr)
    if network.version != 4 or not 16 <= network.prefixlen <= 20:
        raise ValueError(f"network_cidr is {cidr}; an IPv4 network from /16 to /20 is needed, such as 10.20.0.0/16")
    unknown = sorted(set(wanted_zones) - set(zones))
    if unknown:
        raise ValueError(f"network_zones names {', '.join(unknown)}; the region offers {', '.join(zones)}")
    chosen = list(wanted_zones) or list(zones)[:count]
    if not 1 <= len(chosen) <= _MOST_ZONES:
        raise ValueError(f"{len(chosen)} zones are requested; 2 to {_MOST_ZONES} are possible")
    if len(chosen) < count and not wanted_zones:
        raise ValueError(f"network_zone_count is {count}; the region offers {len(zones)}: {', '.join(zones)}")
    tiers = ("public", "private", "data") if data else ("public", "private")
    subnets = []
    for tier in tiers:
        bits, first = _SHARES[tier]
        blocks = list(network.subnets(prefixlen_diff=bits))
        for index, zone in enumerate(chosen):
            letter = zone[-1]
            subnets.append({"name": f"{tier}-{letter}", "tier": tier, "zone": zone, "cidr": str(blocks[first + index])})
    return subnets
