"""Takes out of a failing story whatever it fails without, until nothing can be left out any more."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.reliability.playing import play
from tests.reliability.stories import Story
from tests.reliability.world import Shelf

Fails = Callable[[Story], bool]


def shrunk(story: Story, fails: Fails) -> Story:
    """Return a story that *fails* too, of which no event and no strike can be left out."""
    size = max(len(story.events) // 2, 1)
    while size:
        smaller = _without_runs(story, size, fails)
        if smaller is story or size > 1:
            size //= 2
        story = smaller
    return _without_strikes(story, fails)


def _without_runs(story: Story, size: int, fails: Fails) -> Story:
    """Leave out runs of *size* events, from the end, as long as it still fails."""
    at = len(story.events) - size
    while at > -size:
        candidate = story.without(frozenset(range(max(at, 0), at + size)))
        if fails(candidate):
            story = candidate
        at -= size
    return story


def _without_strikes(story: Story, fails: Fails) -> Story:
    for number in range(len(story.events)):
        for fewer in _fewer(story, number):
            if fails(fewer):
                story = fewer
                break
    return story


def _fewer(story: Story, number: int) -> Iterator[Story]:
    """Yield the story with fewer strikes in its event *number*: none at first, then all but one."""
    one = story.events[number]
    choices = [(), *(one.strikes[:at] + one.strikes[at + 1 :] for at in range(len(one.strikes)))]
    for strikes in choices if one.strikes else []:
        events = (*story.events[:number], replace(one, strikes=strikes), *story.events[number + 1 :])
        yield replace(story, events=events)


def breaking(invariant: str, shelf: Shelf) -> Fails:
    """Return whether a story breaks the invariant called *invariant*."""

    def fails(story: Story) -> bool:
        played = play(story, shelf, until_violation=invariant)
        return any(one.invariant == invariant for one in played.violations)

    return fails
