"""The environment: what a row holds, the two tools, the reward and the reference solution."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pydantic

from gym_llm import Episode, ResponsesEnv, Task, ToolError, Verification, tool
from gym_llm.envs.google_search import answers, pages, providers, questions
from gym_llm.envs.google_search.addresses import Refused
from gym_llm.envs.google_search.corpus import Corpus
from gym_llm.envs.google_search.fetcher import Fetcher
from gym_llm.errors import ConfigError, VerifierError
from gym_llm.items import Item, assistant_message, function_call, is_assistant_message, item_type, message_text

MAX_QUERY = 400
_HOST = re.compile(r"\.?[\w-]+(?:\.[\w-]+)*\.?|\[?[0-9a-fA-F:]+\]?")


class SearchTask(Task):
    """A question with its answer: the letter of an option, or the answer's words."""

    expected_answer: str = pydantic.Field(min_length=1, pattern=r"\S")
    task_difficulty_qwen3_32b_avg_8: float | None = None
    accepted_answers: tuple[str, ...] = ()
    evidence: list[str] | None = None


class GoogleSearch(ResponsesEnv):
    r"""Answer a question by searching and reading pages.

    Tasks:
        `expected_answer`: the letter of an option, or an answer in words, with `accepted_answers` as other ways
        to write it. `evidence`: URLs of the pages that hold
        it, which only the reference solution reads. Rows of NeMo Gym's google_search server load unchanged.
        Bundled: 10 questions made by the generator over 70 pages about an invented world, written for this
        package, Apache-2.0. Unlimited, with the knobs `hops` (pages that an answer takes) and `num_options`.
    Tools:
        `search(query)`: `{"search_results": [{"rank", "title", "url", "snippet"}]}`. `browse(url)`:
        `{"page_content": ...}`, a document of the corpus, or with another provider a page of the public internet;
        a long text is cut in its middle.
    Reward:
        1.0 when the last `\boxed{}` of the last message holds the expected answer, else 0.0. Letters are compared
        without case, words without case, punctuation and a leading article. A message with calls beside it is
        none, and one that boxes more than two different answers has none. NeMo Gym takes the first box, refuses
        `\boxed{\text{B}}` and `\boxed{b}`, and loses an episode without a box; here these are read, and 0.0.
        The verification also says `searches`, `pages_read`, `refused_pages` and `searched` (whether a search
        or a page succeeded). When the provider itself failed, there is an error and no reward.
    Episode end:
        The first message without a call, or 24 turns.
    Known shortcuts:
        A letter at random is right once in as many times as there are options. On the open web a question may be
        found with its answer: `blocked_hosts` and `allowed_hosts` say what is not read, or only.
    Version history:
        v0: first version.

    Args:
        provider: `{"type": "corpus", "path": FILE}` (default, the bundled pages), `{"type": "searxng", "url": ...}`
            or `{"type": "google", "cx": ...}`, whose key is `$GOOGLE_API_KEY` or `vars.google_api_key` of env.yaml.
        num_results: Results of a search, 1 to 20.
        max_page_chars: Characters of a page that are shown.
        browse_web: Whether `browse` reads the public internet; by default unless the provider is the corpus.
        allowed_hosts: The only hosts that `browse` reads, with their subdomains.
        blocked_hosts: Hosts that `browse` does not read and `search` does not show, with their subdomains.
        **settings: As for every environment: `dataset`, `max_turns`, `max_tokens`, `max_seconds`, `render_mode`.
    """

    Task = SearchTask
    needs = ("gym-llm[google-search] to read the web",)
    max_turns = 24
    tool_timeout = 60.0

    def __init__(
        self, *, provider: Mapping[str, Any] | str | None = None, num_results: int = 5, max_page_chars: int = 20_000,
        browse_web: bool | None = None, allowed_hosts: Sequence[str] = (), blocked_hosts: Sequence[str] = (),
        **settings: Any,
    ) -> None:  # fmt: skip
        if not (1 <= num_results <= 20 and max_page_chars >= 100):
            raise ConfigError(
                f"num_results={num_results}, max_page_chars={max_page_chars}: give 1 to 20 and 100 or more"
            )
        _check_hosts("allowed_hosts", allowed_hosts)
        _check_hosts("blocked_hosts", blocked_hosts)
        super().__init__(**settings)
        self.num_results, self.max_page_chars = num_results, max_page_chars
        self._provider = providers.provider(provider)
        self._corpus = self._provider if isinstance(self._provider, Corpus) else None
        self.browse_web = self._corpus is None if browse_web is None else browse_web
        if self.browse_web:
            pages.require_trafilatura()
        self._fetcher = Fetcher(allowed_hosts=allowed_hosts, blocked_hosts=blocked_hosts)
        self._failure: str | None = None

    def begin(self, task: SearchTask) -> None:
        """Forget what the provider did in the last episode."""
        self._failure = None

    @tool
    async def search(self, query: str) -> dict[str, list[dict[str, Any]]]:
        """Search for pages.

        Args:
            query: What to look for.
        """
        words = " ".join("".join(char if char.isprintable() else " " for char in query[: 4 * MAX_QUERY]).split())
        if not words or len(query) > MAX_QUERY:
            raise ToolError(f"give a query of 1 to {MAX_QUERY} characters")
        try:
            found = await self._provider.search(words, self.num_results)
        except providers.SearchFailed as error:
            self._failure = str(error)
            raise ToolError("the search is out of order") from None
        shown = [each for each in found if not self._fetcher.blocks(each["url"])]
        return {"search_results": [{"rank": rank, **each} for rank, each in enumerate(shown, start=1)]}

    @tool
    async def browse(self, url: str) -> dict[str, str]:
        """Read a page.

        Args:
            url: The page's address, as a search gave it.
        """
        try:
            text = self._corpus.page(url) if self._corpus and not self._fetcher.blocks(url) else None
            if text is None:
                if not self.browse_web:
                    raise Refused("there is no such page; browse what search found")
                text = await pages.text_of(await self._fetcher.fetch(url))
        except Refused as refused:
            raise ToolError(str(refused)) from None
        return {"page_content": pages.cut(text, self.max_page_chars)}

    def verify(self, task: SearchTask, episode: Episode) -> Verification:
        """Read the last message's last box."""
        if self._failure:
            raise VerifierError(self._failure)
        found = answers.extract(_said_last(episode))
        accepted = (task.expected_answer, *task.accepted_answers)
        right = found.text is not None and any(answers.is_right(found.text, each) for each in accepted)
        done = {name: [call for call in episode.calls if call.name == name] for name in ("search", "browse")}
        good = {name: sum(call.error is None for call in calls) for name, calls in done.items()}
        return Verification(
            float(right), expected_answer=task.expected_answer, reason=found.reason,
            parsed_option=None if found.text is None else found.text[:200], searched=any(good.values()),
            searches=good["search"], pages_read=good["browse"],
            refused_pages=len(done["browse"]) - good["browse"],
        )  # fmt: skip

    def solve(self, task: SearchTask) -> list[list[Item]]:
        """Search for the question, read the pages that hold the answer, and give it."""
        query = message_text(task.prompt[-1])[:MAX_QUERY]
        reads = [
            [function_call("browse", {"url": url}, f"call_{number}")]
            for number, url in enumerate(task.evidence or ())
        ]  # fmt: skip
        calls = [[function_call("search", {"query": query or "?"})], *reads] if self._corpus else []
        return [*calls, [assistant_message(f"The answer is \\boxed{{{task.expected_answer.strip()}}}")]]

    @classmethod
    def generate(cls, rng: np.random.Generator, **knobs: Any) -> dict[str, Any]:
        """Make a row; see `questions.question` for the knobs."""
        return questions.question(rng, **knobs)


def _check_hosts(name: str, hosts: Any) -> None:
    if isinstance(hosts, str) or not isinstance(hosts, Collection):
        raise ConfigError(f"{name}={hosts!r}: give a list of host names")
    for host in hosts:
        if not isinstance(host, str) or not _HOST.fullmatch(host):
            raise ConfigError(f"{name}: {host!r} is no host name; leave scheme and path out, as in 'example.org'")


def _said_last(episode: Episode) -> str:
    """Return the text of the last action's last message; nothing when the action calls a tool."""
    action = episode.actions[-1] if episode.actions else []
    if any(item_type(item) == "function_call" for item in action):
        return ""
    return next((message_text(item) for item in reversed(action) if is_assistant_message(item)), "")
