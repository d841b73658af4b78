"""A tenant's values reach hosts as the literal they are, or not at all: every string field of a router's record, through
the whole system."""

import copy
import json
import unittest

from harness import Region, until

HOSTILE = "x\"; touch /pwned; $(touch /pwned2) `touch /pwned3`\n'; touch /pwned4 #"


def project_like(number):
    return {"name": f"hostile-{number}", "router": {
        "subnets": [{"name": "lan", "address": "10.7.1.1/24"}],
        "rules": [{"protocol": "tcp", "source": "0.0.0.0/0", "destination": "10.7.1.0/24", "port": "22,80-90", "description": "d", "log": True}],
        "routes": [{"destination": "10.9.0.0/16", "gateway": "10.7.1.9", "metric": 100}],
        "nat": [{"public": f"203.0.113.{100 + number}", "private": "10.7.1.5"}],
        "sets": [{"name": "office", "family": "ipv4", "elements": ["192.0.2.0/28"]}],
    }}


def strings_in(value, path=()):
    """Paths to all strings in a document; of a list only its first element's."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings_in(inner, path + (key,))
    elif isinstance(value, list) and value:
        yield from strings_in(value[0], path + (0,))


def with_hostile(record, path):
    bent = copy.deepcopy(record)
    at = bent
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = HOSTILE
    return bent


class HostileValues(unittest.TestCase):
    def test_no_string_field_of_a_record_is_ever_executed(self):
        with Region(hosts=("podnet-a",), pair=False) as region:
            bent = {}
            for number in range(100):
                project = region.user("POST", "projects", project_like(number))["content"]
                router = project["virtual_router_id"]
                record = region.user("GET", f"virtual_router/{router}")["content"]
                paths = list(strings_in(record))
                if number == len(paths):
                    break  # one router stays as it is, for comparison
                path = paths[number]
                bent[router] = ".".join(map(str, path))
                region.user("PATCH", f"virtual_router/{router}", {"raw": {path[0]: with_hostile(record, path)[path[0]]}})
            self.assertGreater(len(bent), 20)
            region.start()
            region.until_state("running", 1, 2, 3, router, seconds=240)

            def undecided():
                problems = json.dumps(region.get("/api/v1/status")["problems"])
                return {router: field for router, field in bent.items()
                        if f"virtual_router/{router}" not in problems and region.resource(router).get("state") not in ("running", "unresourced")}

            until("each to be built or refused", lambda: not undecided(), 240)
            region.until_quiet()
            found = region.on("podnet-a", "sh", "-c", "ls -d /pwned* /tmp/pwned* 2>/dev/null", check=False).stdout
            self.assertEqual(found, "")
            for router, field in bent.items():
                if region.resource(router).get("state") == "unresourced":
                    self.assertTrue(region.resource(router)["reason"], field)
            self.assertEqual([row for row in region.what_is_broken() if not row.startswith("failed job")], [])
