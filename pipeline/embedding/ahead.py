"""Work done ahead in threads, handed out in order."""

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


def in_order(calls: Iterable[Callable[[], Result]], *, num_threads: int) -> Generator[Result, None, None]:
    """Results of the calls in their order; threads are at most two calls a thread ahead of who takes them.

    An error of a call is raised where its result would have come. Calls that were not begun when the iterator
    is closed are not made.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(num_threads) as pool:
        try:
            for call in calls:
                waiting.append(pool.submit(call))
                if len(waiting) > 2 * num_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()
