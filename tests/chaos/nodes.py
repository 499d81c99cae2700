#!/usr/bin/env python3
"""Three Backstay servers over one PostgreSQL, behind a plain TCP balancer, while parts of it fail.

    python3 tests/chaos/nodes.py                     small counts, for every change
    python3 tests/chaos/nodes.py --rounds 100        the full run
    python3 tests/chaos/nodes.py --only limits,kill

- `limits`: 1,000 callers at once on a budget for 100 calls, and on a rate limit of 100: neither is exceeded, whether the
  servers take slices of the budget or not;
- `slices`: servers are killed while they hold slices of a budget: all that nobody has spent can be spent;
- `kill`: servers are killed under load: no acknowledged turn is lost, and a request that its client repeats with the
  same idempotency key is carried out and charged once;
- `pause`: a server stops in the middle of a call until its lease is over: the others settle the call, and what it
  writes late changes nothing;
- `restart`: PostgreSQL restarts under load: calls wait or are told when to try again, and nothing acknowledged is lost;
- `jobs`: servers that learn are killed and stopped: each turn is learned once; what fails too often is a dead letter, and
  is learned when a person has it tried again;
- `clock`: a server's machine is a minute ahead, then a minute behind: limits, leases and expiry are the others';
- `away`: PostgreSQL is stopped: calls are refused, or, where their workspace says so, answered without memory and entered
  in the ledger later, each once, also those of a server that was killed meanwhile;
- `replica`: recall reads a streaming replica that follows, then one that shows nothing new, then one that is gone: what a
  server was told is recalled by the next at once in each case;
- `promote`: the primary dies and a streaming replica takes over: nothing acknowledged is lost.

Exit code 0 only if all of that holds.
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import http.client
import json
import pathlib
import random
import secrets
import signal
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import clocks
import jobs
import processes
import replica
from cluster import LEASE_S, Cluster
from load import ANSWER_TOKENS, CALLERS, Failed, Load, ask, at_once, check, expect, post

FITTING = 100
CALL_MOST = 20 * 1_000_000 + ANSWER_TOKENS * 2_000_000
"""Picodollars that a call may cost, at the prices of `processes.server_config`."""
SLICED = 2_000
"""Calls that a budget is for of which servers take slices."""
OVERDRAWN = """SELECT 1 FROM spending AS s JOIN budgets AS b USING (workspace, api_key, period)
    WHERE s.spent + s.reserved > b.amount_max"""
RETRIES_WITHIN_S = 90.0


def limits(cluster: Cluster, options: argparse.Namespace) -> str:
    """A budget and a rate limit hold over all nodes."""
    body = ask("one two three four")
    totals: collections.Counter = collections.Counter()
    fewest = CALLERS
    for number in range(options.rounds):
        settings = {"budgets": total(FITTING * CALL_MOST), "strict_budget": number % 4 == 3}
        budget = cluster.new_key(settings)
        statuses = asyncio.run(at_once(cluster, budget["key"], body))
        expect(not cluster.database.numbers(OVERDRAWN), "a row of what is spent holds more than its limit")
        row = cluster.settled_budget(budget["id"])
        spent, limit = picodollars(row["spent"]), picodollars(row["limit"])
        expect(spent <= limit, f"${row['spent']} was spent of ${row['limit']}")
        expect(set(statuses) <= {200, 402, 503}, f"callers on a budget got {dict(statuses)}")
        expect(statuses[200] > 0, f"nobody got through: {dict(statuses)}")
        expect(cluster.ledger_sum(budget["id"]) == spent, "the ledger and the budget do not agree")
        totals.update({f"budget {status}": count for status, count in statuses.items()})

        rate = cluster.new_key({"rate_limits": [{"of": "requests", "per": "hour", "limit": FITTING}]})
        statuses = asyncio.run(at_once(cluster, rate["key"], body))
        expect(statuses[200] <= FITTING, f"{statuses[200]} calls on a limit of {FITTING}")
        expect(set(statuses) <= {200, 429, 503}, f"callers on a rate limit got {dict(statuses)}")
        fewest = min(fewest, statuses[200])
        totals.update({f"rate {status}": count for status, count in statuses.items()})
    return f"{options.rounds} rounds of {CALLERS} callers, overspent 0; at least {fewest} of {FITTING} calls; {dict(totals)}"


def picodollars(text: str) -> int:
    whole, _, part = text.partition(".")
    return int(whole) * 10**12 + int(part.ljust(12, "0")[:12] or 0)


def dollars(amount: int) -> str:
    return f"{amount // 10**12}.{amount % 10**12:012d}"


def total(picodollars: int) -> list[dict]:
    return [{"period": "total", "limit": dollars(picodollars)}]


def slices(cluster: Cluster, options: argparse.Namespace) -> str:
    """A server is killed that holds a slice of a budget."""
    body, held, answered = ask("one two three four"), 0, 0
    for number in range(options.kills):
        node = number % len(cluster.ports)
        key = cluster.new_key({"budgets": total(SLICED * CALL_MOST)})
        statuses = asyncio.run(at_once(cluster, key["key"], body, SLICED // 4))
        cluster.nodes[node].kill()
        of_key = f"FROM budget_slices WHERE api_key = '{key['id']}'"
        held += len(cluster.database.numbers(f"SELECT 1 {of_key}"))
        left_by_dead = f"{of_key} AND node_is_gone(node)"
        cluster.start_node(node)
        cluster.wait_until(lambda: not cluster.database.numbers(f"SELECT 1 {left_by_dead}"), "the slice is given back")
        row = cluster.settled_budget(key["id"])
        spent = picodollars(row["spent"])
        expect(cluster.ledger_sum(key["id"]) == spent, "the ledger and the budget do not agree")
        # All that is left can be had by one call, whoever held it.
        left = (picodollars(row["limit"]) - spent - CALL_MOST) // 2_000_000
        (other,) = asyncio.run(at_once(cluster, key["key"], {**body, "max_tokens": left}, 1))
        expect(other == 200, f"a call for all that is left was answered {other}")
        expect(not cluster.database.numbers(OVERDRAWN), "a row of what is spent holds more than its limit")
        expect(set(statuses) <= {200, 503}, f"callers got {dict(statuses)}")
        answered += statuses[200]
    expect(held > 0, "no slice was out when a server was killed")
    return f"{options.kills} kills, {held} slices out, {answered} calls; overspent 0, and all that was left could be spent"


async def insist(cluster: Cluster, number: str, outcomes: collections.Counter) -> None:
    """Repeats one request with the same idempotency key until it is answered."""
    deadline = time.monotonic() + RETRIES_WITHIN_S
    headers = {"Idempotency-Key": f"insist-{number}", "X-Request-Id": f"req_{number}"}
    while True:
        status, told, body = await post(cluster.balancer.port, cluster.key, ask(number), headers)
        # A server that was killed between the ledger and keeping the answer.
        is_carried_out = status == 409 and b"idempotency_not_stored" in body
        outcomes["carried out, not kept" if is_carried_out else status] += 1
        if status == 200 or is_carried_out:
            return
        expect(status in {0, 409, 503}, f"{number} was answered {status}")
        expect(time.monotonic() < deadline, f"{number} was not answered within {RETRIES_WITHIN_S:.0f} s")
        await asyncio.sleep(min(float(told.get("retry-after", "0.2")), 1.0))


async def insist_while(cluster: Cluster, prefix: str, count: int, kill: asyncio.Event) -> collections.Counter:
    outcomes: collections.Counter = collections.Counter()
    waiting = asyncio.Semaphore(30)

    async def one(number: int) -> None:
        async with waiting:
            if number == count // 3:
                kill.set()
            await insist(cluster, f"{prefix}{number}", outcomes)

    await asyncio.gather(*(one(number) for number in range(count)))
    return outcomes


def kill(cluster: Cluster, options: argparse.Namespace) -> str:
    """A node is killed, and comes back."""
    rng = random.Random(options.seed)
    turns, retried = 0, collections.Counter()
    kills = options.kills
    for number in range(kills):
        node = number % len(cluster.ports)
        load = Load(cluster, f"k{number}", rng)
        time.sleep(rng.uniform(0.3, 0.9))
        load.stopped.set()
        cluster.nodes[node].kill()
        conversations = load.stop()
        turns += check(cluster, conversations, (node + 1) % len(cluster.ports))
        cluster.start_node(node)

        # Then the same with clients that insist.
        prefix, count = f"k{number}n", 150
        asked = asyncio.run(kill_and_insist(cluster, node, prefix, count))
        retried.update(asked)
        cluster.start_node(node)
        rows = cluster.completed(prefix)
        twice = [text for text, times in rows.items() if times > 1]
        expect(len(rows) == count and not twice, f"{len(rows)} of {count} completed, {len(twice)} more than once")
    return f"{kills * 2} kills, {turns} acknowledged turns, lost 0; requests that were repeated until answered: {dict(retried)}"


async def kill_and_insist(cluster: Cluster, node: int, prefix: str, count: int) -> collections.Counter:
    due = asyncio.Event()

    async def killing() -> None:
        await due.wait()
        await asyncio.to_thread(cluster.nodes[node].kill)

    outcomes, _ = await asyncio.gather(insist_while(cluster, prefix, count, due), killing())
    return outcomes


def pause(cluster: Cluster, _options: argparse.Namespace) -> str:
    """A node that sleeps past its lease writes too late."""
    words = f"req_paused{secrets.token_hex(4)}"
    body = json.dumps(ask(words, model="sim-openai/sim-echo!slow-headers-4000"))
    connection = http.client.HTTPConnection("127.0.0.1", cluster.ports[0], timeout=120)
    headers = {"Authorization": f"Bearer {cluster.key}", "Content-Type": "application/json", "X-Request-Id": words}
    connection.request("POST", "/v1/chat/completions", body, headers)
    cluster.wait_until(lambda: cluster.statuses(words) == ["pending"], "the call is open")
    process = cluster.nodes[0].process
    process.send_signal(signal.SIGSTOP)
    try:
        cluster.wait_until(lambda: cluster.statuses(words) == ["interrupted"], "others settle the call")
    finally:
        process.send_signal(signal.SIGCONT)
    status = connection.getresponse().status
    expect(cluster.statuses(words) == ["interrupted"], "the late write changed the ledger")
    expect(status != 200, "the late answer was acknowledged")
    return f"settled by others after a lease of {LEASE_S} s; the paused node answered {status}, and its write changed nothing"


def restart(cluster: Cluster, options: argparse.Namespace) -> str:
    """PostgreSQL restarts under load."""
    turns, statuses = 0, collections.Counter()
    for number in range(options.restarts):
        answers = asyncio.run(restart_under_load(cluster, f"r{number}n"))
        statuses.update(status for status, _, _ in answers)
        late = [told for status, told, _ in answers if status == 503 and "retry-after" not in told]
        expect(not late, f"{len(late)} answers of 503 without Retry-After")
        expect(set(statuses) <= {200, 503}, f"calls got {dict(statuses)}")
        load = Load(cluster, f"r{number}", random.Random(options.seed))
        time.sleep(0.5)
        turns += check(cluster, load.stop(), 0)
    expect(turns > 0, "no turn after the restarts")
    return f"{options.restarts} restarts; calls meanwhile: {dict(statuses)}; {turns} turns after it, lost 0"


async def restart_under_load(cluster: Cluster, prefix: str) -> list[tuple[int, dict[str, str], bytes]]:
    restarting = asyncio.create_task(asyncio.to_thread(cluster.database.restart))
    calls = []
    number = 0
    while not restarting.done() or number < 50:
        calls.append(asyncio.create_task(post(cluster.ports[number % 3], cluster.key, ask(f"{prefix}{number}"))))
        number += 1
        await asyncio.sleep(0.02)
    await restarting
    return await asyncio.gather(*calls)


def away(cluster: Cluster, _options: argparse.Namespace) -> str:
    """PostgreSQL is gone for a while, and a workspace has its calls answered meanwhile."""
    with_budget = cluster.new_key({"budgets": total(1_000 * CALL_MOST)})["key"]
    refused = asyncio.run(while_away(cluster, "refused", [cluster.key] * 6))
    expect({status for status, _ in refused} == {503}, f"without the workspace's leave callers got {refused}")
    cluster.call("PUT", "/backstay/v1/workspace", {"when_store_is_away": "answer_without_memory"})
    try:
        answered = asyncio.run(while_away(cluster, "away", [cluster.key] * 60 + [with_budget] * 3, kill=0))
    finally:
        cluster.call("PUT", "/backstay/v1/workspace", {"when_store_is_away": "refuse"})
    statuses = collections.Counter(status for status, _ in answered)
    expect(all(status == 503 for status, _ in answered[60:]), f"a key with a budget was served: {answered[60:]}")
    without = [told for status, told in answered if status == 200]
    expect(len(without) >= 40, f"callers got {dict(statuses)}")
    expect(all(told == "away" for told in without), "an answer did not say that the store was away")
    cluster.start_node(0)
    known = len(without)
    cluster.wait_until(lambda: len(cluster.late("away")) >= known, "the calls are in the ledger")
    rows = cluster.late("away")
    twice = [request for request, times in rows.items() if times > 1]
    expect(not twice, f"{len(twice)} calls are in the ledger twice")
    return f"{dict(statuses)} while PostgreSQL was away and a server was killed; {len(rows)} calls entered late, each once"


async def while_away(cluster: Cluster, prefix: str, keys: list[str], kill: int | None = None) -> list[tuple[int, str]]:
    """Statuses of calls that are made while PostgreSQL is stopped, and what they say of the store."""
    body = ask("one two three four")
    async def call(number: int, key: str) -> tuple[int, str]:
        headers = {"X-Request-Id": f"req_{prefix}{number}"}
        status, told, _ = await post(cluster.ports[number % len(cluster.ports)], key, body, headers)
        return status, told.get("x-backstay-store", "")

    for key in dict.fromkeys(keys):
        # Every server has seen the key, and that its workspace lets it go on.
        await asyncio.sleep(1.1)
        await asyncio.gather(*(post(port, key, body) for port in cluster.ports))
    await asyncio.to_thread(cluster.database.halt)
    try:
        # What a server believes of a key for a second it would still look up elsewhere.
        await asyncio.sleep(1.1)
        answers = await asyncio.gather(*(call(number, key) for number, key in enumerate(keys)))
        if kill is not None:
            await asyncio.to_thread(cluster.nodes[kill].kill)
    finally:
        await asyncio.to_thread(cluster.database.resume)
    await asyncio.to_thread(cluster.wait_until, lambda: cluster.is_ready(1), "a server is ready again")
    return answers


def promote(cluster: Cluster, options: argparse.Namespace) -> str:
    """The primary dies; a replica that has every acknowledged write takes over."""
    rng = random.Random(options.seed)
    cluster.database.add_replica()
    cluster.database.hold_commits_for_replica()
    load = Load(cluster, "p", rng)
    time.sleep(1.0)
    load.stopped.set()
    cluster.database.lose_primary()
    conversations = load.stop()
    cluster.database.promote_replica()
    cluster.wait_until(lambda: cluster.is_ready(0), "a node is ready again")
    turns = check(cluster, conversations, 0)
    expect(turns > 0, "nothing was acknowledged before the primary died")
    after = Load(cluster, "q", rng)
    time.sleep(0.5)
    later = check(cluster, after.stop(), 1)
    expect(later > 0, "nothing was acknowledged by the new primary")
    return f"{turns} turns acknowledged before the primary died, lost 0; {later} after it"


SCENARIOS = {
    "limits": limits,
    "slices": slices,
    "kill": kill,
    "pause": pause,
    "restart": restart,
    "away": away,
    "jobs": jobs.jobs,
    "clock": clocks.clock,
    "replica": replica.replica,
    "promote": promote,
}
"""In this order: `promote` leaves no replica behind."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=1, help="of `limits`")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--restarts", type=int, default=2)
    parser.add_argument("--only", default=",".join(SCENARIOS))
    parser.add_argument("--seed", type=int, default=secrets.randbelow(2**32))
    options = parser.parse_args()
    chosen = options.only.split(",")
    if unknown := set(chosen) - set(SCENARIOS):
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(SCENARIOS)}")
    print(f"seed {options.seed}", flush=True)
    failed = 0
    with tempfile.TemporaryDirectory(prefix="backstay-nodes-") as folder:
        cluster = Cluster(pathlib.Path(folder))
        try:
            for name in chosen:
                started = time.monotonic()
                try:
                    outcome = SCENARIOS[name](cluster, options)
                except Failed as failure:
                    failed += 1
                    outcome = f"FAILED: {failure}\n{cluster.log_ends()}"
                print(f"{name}: {outcome} ({time.monotonic() - started:.0f} s)", flush=True)
        finally:
            cluster.stop()
    print(f"{len(chosen) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except processes.DidNotStart as reason:
        sys.exit(str(reason))
