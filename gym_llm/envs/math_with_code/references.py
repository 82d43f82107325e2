"""Reference computations of generated problems. Their source is a task's reference code, so each stands alone."""

from __future__ import annotations


def primes_in_class(limit: int, modulus: int, residue: int) -> int:  # noqa: D103
    sieve = bytearray([1]) * (limit + 1)
    sieve[:2] = b"\0\0"
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = bytes(len(range(number * number, limit + 1, number)))
    return sum(sieve[residue::modulus])


def totient_sum(limit: int) -> int:  # noqa: D103
    totients = list(range(limit + 1))
    for number in range(2, limit + 1):
        if totients[number] == number:
            for multiple in range(number, limit + 1, number):
                totients[multiple] -= totients[multiple] // number
    return sum(totients[1:])


def factorial_digit_sum(number: int) -> int:  # noqa: D103
    product = 1
    for factor in range(2, number + 1):
        product *= factor
    return sum(map(int, str(product)))


def longest_collatz(limit: int) -> int:  # noqa: D103
    steps = {1: 0}
    best = 1
    for start in range(1, limit + 1):
        number, path = start, []
        while number not in steps:
            path.append(number)
            number = number // 2 if number % 2 == 0 else 3 * number + 1
        for distance, seen in enumerate(reversed(path), start=1):
            steps[seen] = steps[number] + distance
        if steps[start] > steps[best]:
            best = start
    return best


def power_tower_residue(base: int, exponent: int, inner: int, modulus: int) -> int:  # noqa: D103
    return pow(base, exponent**inner, modulus)


def coin_ways(total: int, coins: list[int]) -> int:  # noqa: D103
    ways = [1] + [0] * total
    for coin in coins:
        for amount in range(coin, total + 1):
            ways[amount] += ways[amount - coin]
    return ways[total]


def distinct_partitions(number: int) -> int:  # noqa: D103
    ways = [1] + [0] * number
    for part in range(1, number + 1):
        for total in range(number, part - 1, -1):
            ways[total] += ways[total - part]
    return ways[number]


def blocked_paths(size: int, blocks: list[list[int]]) -> int:  # noqa: D103
    paths = {(0, 0): 1}
    for row in range(size + 1):
        for column in range(size + 1):
            if (row, column) != (0, 0):
                ways = paths.get((row - 1, column), 0) + paths.get((row, column - 1), 0)
                paths[row, column] = 0 if [row, column] in blocks else ways
    return paths[size, size]


def recurrence_residue(first: int, second: int, a: int, b: int, place: int, modulus: int) -> int:  # noqa: D103
    values = [first, second]
    for _ in range(place - 1):
        values = [values[1], (a * values[1] + b * values[0]) % modulus]
    return values[1]


def determinant(matrix: list[list[int]]) -> int:  # noqa: D103
    rows, sign, before = [list(row) for row in matrix], 1, 1
    for step in range(len(rows) - 1):
        pivot = next((place for place in range(step, len(rows)) if rows[place][step]), None)
        if pivot is None:
            return 0
        if pivot != step:
            rows[step], rows[pivot], sign = rows[pivot], rows[step], -sign
        for row in range(step + 1, len(rows)):
            for column in range(step + 1, len(rows)):
                value = rows[row][column] * rows[step][step] - rows[row][step] * rows[step][column]
                rows[row][column] = value // before
        before = rows[step][step]
    return sign * rows[-1][-1]


def integral(a: int, b: int, upper: int) -> float:  # noqa: D103
    import math

    steps = 20_000
    width = upper / steps
    values = [math.sin(a * x) * math.exp(-x * x / b) + x for x in (width * place for place in range(steps + 1))]
    return round(width / 3 * (values[0] + values[-1] + 4 * sum(values[1:-1:2]) + 2 * sum(values[2:-1:2])), 4)


def real_root(a: int, b: int) -> float:  # noqa: D103
    low, high = 0.0, float(b + 1)
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if middle**5 + a * middle < b else (low, middle)
    return round(low, 6)


def lattice_points(radius: int, a: int, b: int) -> int:  # noqa: D103
    return sum(a * x * x + b * y * y <= radius for x in range(-radius, radius + 1) for y in range(-radius, radius + 1))


def right_triangles(limit: int) -> int:  # noqa: D103
    found = 0
    for a in range(1, limit // 3):
        for b in range(a + 1, (limit - a) // 2):
            square = a * a + b * b
            c = int(square**0.5 + 0.5)
            found += c * c == square and a + b + c <= limit
    return found


def palindrome_sum(limit: int, base: int) -> int:  # noqa: D103
    total = 0
    for number in range(1, limit + 1):
        digits, rest = [], number
        while rest:
            digits.append(rest % base)
            rest //= base
        total += number if digits == digits[::-1] and str(number) == str(number)[::-1] else 0
    return total


def dice_fraction(dice: int, sides: int, total: int) -> str:  # noqa: D103
    import math

    ways = {0: 1}
    for _ in range(dice):
        after: dict[int, int] = {}
        for value, count in ways.items():
            for face in range(1, sides + 1):
                after[value + face] = after.get(value + face, 0) + count
        ways = after
    good, everything = sum(count for value, count in ways.items() if value >= total), sides**dice
    divisor = math.gcd(good, everything)
    return f"\\frac{{{good // divisor}}}{{{everything // divisor}}}"


def absorbed_steps(size: int, start: int) -> str:  # noqa: D103
    from fractions import Fraction

    ahead = Fraction(2, 3)
    before, here = Fraction(0), Fraction(1)
    slope = [before, here]
    offset = [Fraction(0), Fraction(0)]
    for place in range(1, size):
        slope.append((slope[place] - (1 - ahead) * slope[place - 1]) / ahead)
        offset.append((offset[place] - 1 - (1 - ahead) * offset[place - 1]) / ahead)
    expected = slope[start] * (-offset[size] / slope[size]) + offset[start]
    return f"\\frac{{{expected.numerator}}}{{{expected.denominator}}}"


def square_sums(number: int) -> int:  # noqa: D103
    counts = [0] * (number + 1)
    side = int(number**0.5)
    for a in range(side + 1):
        for b in range(a, side + 1):
            if a * a + b * b <= number:
                counts[a * a + b * b] += 1
    return sum(count >= 2 for count in counts)


def decimal_period(limit: int) -> int:  # noqa: D103
    best, longest = 0, -1
    for number in range(2, limit + 1):
        rest, seen, place = 1 % number, {}, 0
        while rest not in seen:
            seen[rest] = place
            rest, place = rest * 10 % number, place + 1
        if place - seen[rest] > longest:
            best, longest = number, place - seen[rest]
    return best


def independent_subsets(number: int, gap: int) -> int:  # noqa: D103
    ways = [1] * (number + 1)
    for place in range(1, number + 1):
        ways[place] = ways[place - 1] + ways[max(0, place - gap)]
    return ways[number]
