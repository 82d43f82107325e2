"""Reference solutions on numbers and lists of numbers. Their source is a task's solution, so each stands alone."""

from __future__ import annotations


def count_pairs(values: list[int], *, modulus: int) -> int:  # noqa: D103
    seen = [0] * modulus
    pairs = 0
    for value in values:
        pairs += seen[-value % modulus]
        seen[value % modulus] += 1
    return pairs


def longest_run(values: list[int], *, gap: int) -> int:  # noqa: D103
    best = run = 0
    for place, value in enumerate(values):
        run = run + 1 if place and abs(value - values[place - 1]) <= gap else 1
        best = max(best, run)
    return best


def best_block(values: list[int], *, least: int) -> int:  # noqa: D103
    sums = [0]
    for value in values:
        sums.append(sums[-1] + value)
    best = lowest = None
    for stop in range(least, len(sums)):
        start = sums[stop - least]
        lowest = start if lowest is None else min(lowest, start)
        total = sums[stop] - lowest
        best = total if best is None else max(best, total)
    return best if best is not None else 0


def minimum_coins(target: int, *, coins: list[int]) -> int:  # noqa: D103
    fewest = [0] + [-1] * target
    for total in range(1, target + 1):
        ways = [fewest[total - coin] for coin in coins if coin <= total and fewest[total - coin] >= 0]
        fewest[total] = min(ways) + 1 if ways else -1
    return fewest[target]


def ways_to_climb(steps: int, *, most: int, modulus: int) -> int:  # noqa: D103
    ways = [1]
    for step in range(1, steps + 1):
        ways.append(sum(ways[max(0, step - most) : step]) % modulus)
    return ways[steps] % modulus


def josephus(people: int, *, skip: int) -> int:  # noqa: D103
    place = 0
    for count in range(2, people + 1):
        place = (place + skip) % count
    return place + 1


def digit_game(number: int, *, power: int) -> int:  # noqa: D103
    seen: dict[int, int] = {}
    while number not in seen:
        seen[number] = len(seen)
        number = sum(int(digit) ** power for digit in str(number))
    return len(seen) - seen[number]


def rotate_sorted(values: list[int], *, shift: int) -> list[int]:  # noqa: D103
    ordered = sorted(values)
    cut = shift % len(ordered) if ordered else 0
    return ordered[cut:] + ordered[:cut]


def window_maxima(values: list[int], *, width: int) -> list[int]:  # noqa: D103
    maxima: list[int] = []
    candidates: list[int] = []
    first = 0
    for place, value in enumerate(values):
        while len(candidates) > first and values[candidates[-1]] <= value:
            candidates.pop()
        candidates.append(place)
        if candidates[first] <= place - width:
            first += 1
        if place >= width - 1:
            maxima.append(values[candidates[first]])
    return maxima


def longest_increasing(values: list[int], *, step: int) -> int:  # noqa: D103
    best: list[int] = []
    for place, value in enumerate(values):
        before = [best[other] for other in range(place) if values[other] + step <= value]
        best.append(max(before, default=0) + 1)
    return max(best, default=0)


def greatest_product(values: list[int], *, count: int) -> int:  # noqa: D103
    ordered = sorted(values)
    best = None
    for low in range(count + 1):
        high = count - low
        product = 1
        for value in ordered[:low] + (ordered[-high:] if high else []):
            product *= value
        best = product if best is None else max(best, product)
    return best if best is not None else 0


def knapsack(weights: list[int], *, capacity: int) -> int:  # noqa: D103
    reachable = 1
    for weight in weights:
        reachable |= reachable << weight
    reachable &= (1 << (capacity + 1)) - 1
    return reachable.bit_length() - 1


def merged_length(starts: list[int], *, length: int) -> int:  # noqa: D103
    covered, end = 0, None
    for start in sorted(starts):
        begin = start if end is None else max(start, end)
        covered += max(0, start + length - begin)
        end = start + length
    return covered


def divisor_count(low: int, span: int, *, divisors: int) -> int:  # noqa: D103
    found = 0
    for number in range(low, low + span):
        count = sum(2 - (part * part == number) for part in range(1, int(number**0.5) + 1) if number % part == 0)
        found += count == divisors
    return found


def gap_in_order(values: list[int], *, rank: int) -> int:  # noqa: D103
    ordered = sorted(set(values))
    gaps = sorted((ordered[place] - ordered[place - 1] for place in range(1, len(ordered))), reverse=True)
    return gaps[rank - 1] if rank <= len(gaps) else 0


def can_split(values: list[int], *, parts: int) -> bool:  # noqa: D103
    total = sum(values)
    if total % parts:
        return False
    found, running = 0, 0
    for value in values:
        running += value
        if running == total // parts:
            found, running = found + 1, 0
    return found >= parts and running == 0 if total else True
