"""Which clips belong together: read from the folder or the name of their video."""

import re
from collections.abc import Callable
from dataclasses import replace

from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.source import Source, SourceList
from pipeline.errors import UsageError
from pipeline.labels import normalise_label


def grouped(listed: SourceList, options: ListingOptions) -> SourceList:
    """A list with the groups that were asked for in place of those that the input itself names.

    Clips that get none stand alone: each is its own group.

    Raises:
        UsageError: no clip gets a group.
    """
    if options.groups == "none":
        return _with_groups(listed, lambda _source: "", "")
    if options.groups == "parent-folder":
        return _by_parent_folder(listed)
    if options.group_regex is not None:
        return _by_regex(listed, options.group_regex)
    return listed


def _by_parent_folder(listed: SourceList) -> SourceList:
    result = _with_groups(listed, _parent_folder, "parent folder")
    alone = _alone(result)
    if len(alone) == len(listed.sources):
        raise UsageError(
            f"--groups parent-folder: each video, such as {alone[0].path}, lies in the folder of its class "
            "or in none, so a group would be a whole class. Put folders between (walk/person07/a.mp4), or "
            "use --group-regex."
        )
    return _noted(result, alone, "--groups parent-folder: {} lie directly in the folder of their class")


def _by_regex(listed: SourceList, pattern: str) -> SourceList:
    searched = re.compile(pattern)
    result = _with_groups(listed, lambda source: _captured(searched, source.path), f"regex {pattern}")
    alone = _alone(result)
    if len(alone) == len(listed.sources):
        raise UsageError(
            f"--group-regex {pattern!r} is found in none of the {len(alone)} paths, such as {alone[0].path}. "
            "It is searched anywhere in the path, with forward slashes; upper and lower case count."
        )
    return _noted(result, alone, "--group-regex is not found in {}")


def _captured(pattern: re.Pattern[str], path: str) -> str:
    """Named groups joined, otherwise the first group that took part, otherwise the whole match."""
    match = pattern.search(path)
    if match is None:
        return ""
    if pattern.groupindex:
        return "-".join(text for text in (match[name] for name in pattern.groupindex) if text)
    if pattern.groups:
        return next((text for text in match.groups() if text), "")
    return match[0]


def _parent_folder(source: Source) -> str:
    """The name of the folder, whatever class it stands below: one person walks and runs."""
    folders = source.path.split("/")[:-1]
    if not folders or _plain(folders[-1]) == _plain(source.label):
        return ""
    return folders[-1]


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]+", " ", normalise_label(name)).casefold()


def _with_groups(listed: SourceList, group: Callable[[Source], str], grouping: str) -> SourceList:
    sources = tuple(replace(source, group=group(source)) for source in listed.sources)
    return replace(listed, sources=sources, grouping=grouping)


def _alone(listed: SourceList) -> list[Source]:
    return [source for source in listed.sources if not source.group]


def _noted(listed: SourceList, alone: list[Source], sentence: str) -> SourceList:
    groups = {source.group for source in listed.sources if source.group}
    if len(groups) == 1 and not alone:
        raise UsageError(
            f"all {len(listed.sources)} videos are in one group ({groups.pop()!r}, by {listed.grouping}): "
            "none is left to judge by. Choose what tells more groups apart."
        )
    if not alone:
        return listed
    count = f"{len(alone)} of {len(listed.sources)} paths"
    note = f"{sentence.format(count)}, such as {alone[0].path}: each of them is a group of its own."
    return replace(listed, notes=(*listed.notes, note))
