"""A tenant's values reach hosts as the literal they are, or not at all: every string field of a router's record, and of
the address rows that its NAT is told by, through the whole system."""

import copy
import glob
import itertools
import unittest

from harness import Region, until

PLAIN = 'x"; touch /pwned; $(touch /pwned2)'
# The edge refuses a control character wherever it reads a text.
TWO_LINES = "'; touch /pwned\n$(touch /pwned2)`touch /pwned3`"

NAMES = (("project", "name"), ("subnets", 0, "name"))  # for people only: hosts are not told
READ = ("address", "address_range", "destination", "family", "gateway", "port", "protocol", "source")


def router_like(number):
    lan = f"10.7.{number}"
    return {
        "subnets": [{"name": "lan", "address": f"{lan}.1/24"}],
        "rules": [{"protocol": "tcp", "source": "0.0.0.0/0", "destination": f"{lan}.0/24", "port": "22,80-90", "description": "d", "log": True}],
        "routes": [{"destination": "10.9.0.0/16", "gateway": f"{lan}.9", "metric": 100}],
        "nat": [{"public": f"203.0.113.{100 + number}", "private": f"{lan}.5"}],
        "sets": [{"name": "office", "family": "ipv4", "elements": ["192.0.2.0/28"]}],
    }


def strings_in(value, path=()):
    """Paths to all strings in a document; of a list only its first element's."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from strings_in(inner, path + (key,))
    elif isinstance(value, list) and value:
        yield from strings_in(value[0], path + (0,))


def is_read(path):
    return path in NAMES or path == ("updated",) or path[0] == "sets" or path[-1] in READ


def bent(record, paths, value):
    """The record's fields on the way of these paths, with the value at their ends."""
    whole = copy.deepcopy(record)
    for path in paths:
        at = whole
        for part in path[:-1]:
            at = at[part]
        at[path[-1]] = value
    return {path[0]: whole[path[0]] for path in paths}


class HostileValues(unittest.TestCase):
    def declare(self, region):
        """A router as it should be, and one for each value and each string that is read, and for each value and all others: the
        first one's id, and {id: (paths, value)}. Bent NAT goes first, since the simulator lists only fifty addresses."""
        numbers = itertools.count()

        def new_router(of_nat):
            number = next(numbers)
            router = region.new_router(**router_like(number))
            rows = region.user("GET", "ip_address")["content"] if of_nat else []
            return router, next((f"ip_address/{row['id']}" for row in rows if row["address"] == f"10.7.{number}.5"), f"virtual_router/{router}")

        good, good_row = new_router(of_nat=True)
        routers = {}
        for sample in (good_row, f"virtual_router/{good}"):
            paths = list(strings_in(region.user("GET", sample)["content"]))
            groups = [[path] for path in paths if is_read(path)] + [[path for path in paths if not is_read(path)]]
            for value, group in itertools.product((PLAIN, TWO_LINES), groups):
                router, where = new_router(of_nat=sample == good_row)
                region.user("PATCH", where, {"raw": bent(region.user("GET", where)["content"], group, value)})
                routers[router] = group, value
        return good, routers

    def test_no_string_field_of_a_record_is_ever_executed(self):
        with Region(hosts=("podnet-a",), records=None, pair=False) as region:
            good, routers = self.declare(region)
            self.assertGreater(len(routers), 40)
            region.start()

            def undecided():
                problems = " ".join(region.problems())
                return {router: paths for router, (paths, _) in routers.items()
                        if f"virtual_router/{router}" not in problems and region.resource(router).get("state") not in ("running", "unresourced")}

            until("each to be built or refused", lambda: not undecided(), 120)
            region.until_state("running", good)
            region.until_quiet()
            found = region.on("podnet-a", "sh", "-c", "ls -d /pwned* /tmp/pwned* 2>/dev/null", check=False).stdout.split()
            self.assertEqual(found + glob.glob("/pwned*"), [])
            for router, (paths, value) in routers.items():
                with self.subTest(paths=paths, value=value):
                    shown = region.resource(router)
                    if not is_read(paths[0]) or (paths[0] in NAMES and value == PLAIN):
                        self.assertEqual(shown["state"], "running")
                    if paths[0] == ("project", "name") and value == PLAIN:
                        self.assertEqual(shown["name"], PLAIN)
                    if shown.get("state") == "unresourced":
                        self.assertTrue(shown["reason"])
            self.assertEqual(region.what_is_broken(may_fail=True), [])
