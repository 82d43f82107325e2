"""Reference solutions on texts, grids and graphs. Their source is a task's solution, so each stands alone."""

from __future__ import annotations


def shifted(text: str, *, shift: int) -> str:  # noqa: D103
    return "".join(chr((ord(char) - 97 + shift * place) % 26 + 97) for place, char in enumerate(text))


def run_lengths(text: str, *, least: int) -> str:  # noqa: D103
    parts: list[str] = []
    start = 0
    for place in range(1, len(text) + 1):
        if place == len(text) or text[place] != text[start]:
            length = place - start
            parts.append(f"{length}{text[start]}" if length >= least else text[start] * length)
            start = place
    return "".join(parts)


def distinct_window(text: str, *, most: int) -> int:  # noqa: D103
    counts: dict[str, int] = {}
    start = best = 0
    for stop, char in enumerate(text):
        counts[char] = counts.get(char, 0) + 1
        while len(counts) > most:
            counts[text[start]] -= 1
            if not counts[text[start]]:
                del counts[text[start]]
            start += 1
        best = max(best, stop - start + 1)
    return best


def changes_to_period(text: str, *, period: int) -> int:  # noqa: D103
    changes = 0
    for start in range(period):
        letters = text[start::period]
        changes += len(letters) - max((letters.count(char) for char in set(letters)), default=0)
    return changes


def edit_distance(first: str, second: str, *, replace: int) -> int:  # noqa: D103
    row = list(range(len(second) + 1))
    for place, char in enumerate(first, start=1):
        before, row[0] = row[0], place
        for other, against in enumerate(second, start=1):
            cost = before + (0 if char == against else replace)
            before, row[other] = row[other], min(row[other] + 1, row[other - 1] + 1, cost)
    return row[-1]


def common_subsequence(first: str, second: str, *, weight: str) -> int:  # noqa: D103
    row = [0] * (len(second) + 1)
    for char in first:
        before = 0
        for other, against in enumerate(second, start=1):
            value = before + (2 if char == weight else 1) if char == against else 0
            before, row[other] = row[other], max(row[other], row[other - 1], value)
    return row[-1]


def top_words(words: list[str], *, rank: int) -> str:  # noqa: D103
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    ordered = sorted(counts, key=lambda word: (-counts[word], word))
    return ordered[min(rank, len(ordered)) - 1]


def ignored_brackets(text: str, *, deepest: int) -> int:  # noqa: D103
    depth = ignored = 0
    for char in text:
        after = depth + (1 if char == "(" else -1)
        if 0 <= after <= deepest:
            depth = after
        else:
            ignored += 1
    return ignored + depth


def longest_chain(words: list[str], *, overlap: int) -> int:  # noqa: D103
    best: list[int] = []
    for place, word in enumerate(words):
        before = [best[other] for other in range(place) if words[other][-overlap:] == word[:overlap]]
        best.append(max(before, default=0) + 1)
    return max(best, default=0)


def island_sizes(grid: list[list[int]], *, level: int) -> int:  # noqa: D103
    high, wide = len(grid), len(grid[0])
    seen: set[tuple[int, int]] = set()
    best = 0
    for start in [(row, column) for row in range(high) for column in range(wide)]:
        stack, size = [start], 0
        while stack:
            row, column = stack.pop()
            if not (0 <= row < high and 0 <= column < wide) or (row, column) in seen or grid[row][column] < level:
                continue
            seen.add((row, column))
            size += 1
            stack += [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
        best = max(best, size)
    return best


def cheapest_path(grid: list[list[int]], *, toll: int) -> int:  # noqa: D103
    costs: list[int] = []
    for row, line in enumerate(grid):
        for column, cost in enumerate(line):
            above = costs[column] + toll if row else None
            left = costs[column - 1] if column else None
            ways = [way for way in (above, left) if way is not None]
            total = cost + (min(ways) if ways else 0)
            if row:
                costs[column] = total
            else:
                costs.append(total)
    return costs[-1]


def best_square(grid: list[list[int]], *, side: int) -> int:  # noqa: D103
    best = None
    for top in range(len(grid) - side + 1):
        for left in range(len(grid[0]) - side + 1):
            total = sum(sum(line[left : left + side]) for line in grid[top : top + side])
            best = total if best is None else max(best, total)
    return best if best is not None else 0


def steps_of_knight(size: int, goal: int, *, long: int) -> int:  # noqa: D103
    moves = [(a * x, b * y) for a in (1, -1) for b in (1, -1) for x, y in ((1, long), (long, 1))]
    steps, wave, seen = 0, {(0, 0)}, {(0, 0)}
    target = (goal % size, goal // size % size)
    while wave and target not in seen:
        steps += 1
        wave = {
            (x + dx, y + dy) for x, y in wave for dx, dy in moves if 0 <= x + dx < size and 0 <= y + dy < size
        } - seen
        seen |= wave
    return steps if target in seen else -1


def components(nodes: int, edges: list[list[int]], *, least: int) -> int:  # noqa: D103
    parent = list(range(nodes))

    def root(node: int) -> int:
        while parent[node] != node:
            parent[node] = parent[parent[node]]
            node = parent[node]
        return node

    for first, second in edges:
        parent[root(first)] = root(second)
    sizes: dict[int, int] = {}
    for node in range(nodes):
        sizes[root(node)] = sizes.get(root(node), 0) + 1
    return sum(size >= least for size in sizes.values())
