"""What there is to preprocess: labelled videos, found in class folders or listed in a file.

    VIDEOS/<class>/**/video.mp4                  class folders, nested as you like
    VIDEOS/train|val|test/<class>/**/video.mp4   with a split of your own
    VIDEOS/<class>/**/<name>/0001.png ...        a folder of frame images is a video (`--frame-rate`)
    list.csv                                     path,label[,split,group,start_seconds,end_seconds]
    classInd.txt, trainlist01.txt, ...           the lists of UCF101
    train.csv, val.csv, ...                      Kinetics: label,youtube_id,time_start,time_end,split
    train.txt, val.txt, ... or one .txt, .list   a path and a label in each line

Which of them it is shows from what is there (`recognise`), or `--input-format` says so.
"""

import os
from dataclasses import replace
from pathlib import Path

from pipeline.clips.grouping import grouped
from pipeline.clips.listing_options import ListingOptions
from pipeline.clips.recognise import recognise
from pipeline.clips.source import InputFormat, SourceList
from pipeline.clips.source_folder import list_folder
from pipeline.clips.source_kinetics import list_kinetics
from pipeline.clips.source_list import list_paths
from pipeline.clips.source_table import list_table
from pipeline.clips.source_ucf101 import list_ucf101
from pipeline.clips.walk import walk
from pipeline.errors import UsageError

_LISTERS = {
    "folders": list_folder,
    "csv": list_table,
    "ucf101": list_ucf101,
    "kinetics": list_kinetics,
    "list": list_paths,
}


def list_sources(videos: Path, options: ListingOptions | None = None) -> SourceList:
    """Lists the clips to make.

    Args:
        videos: a folder, a CSV or a list.
        options: what to do other than what the input itself says.

    Raises:
        UsageError: no such path, no videos, one class only, a list with a mistake (names the line), or an
            input that can be read in two ways.
    """
    options = options or ListingOptions()
    if not os.path.lexists(videos):
        raise UsageError(
            f"{videos} does not exist. Give a folder of class folders, or a CSV with the columns path,label."
        )
    if options.root is not None and not options.root.is_dir():
        raise UsageError(f"--root {options.root} is not a folder. Name the folder that holds the videos.")
    input_format = recognise(videos) if options.input_format == "auto" else options.input_format
    _check_options(videos, input_format, options)
    listed = _LISTERS[input_format](videos, options)
    if input_format != "folders":
        listed = _check_presence(videos, listed)
        listed = _check_unlisted(videos, listed, options)
    _check_classes(videos, listed)
    return grouped(listed, options)


def _check_options(videos: Path, input_format: InputFormat, options: ListingOptions) -> None:
    """Refuses options that would do nothing here."""
    uses = {
        "--group-column": (options.group_column is not None, ("csv", "kinetics"), "a CSV"),
        "--root": (options.root is not None, ("csv", "ucf101", "kinetics", "list"), "a CSV or a list"),
        "--frame-rate": (
            options.frame_rate is not None,
            ("folders", "csv", "list"),
            "folders of frame images",
        ),
        "--list-number": (options.list_number is not None, ("ucf101", "list"), "numbered lists"),
        "--class-names": (options.class_names is not None, ("list",), "a list of paths and labels"),
    }
    for flag, (is_given, formats, needs) in uses.items():
        if is_given and input_format not in formats:
            what = {
                "folders": "a folder of class folders" if videos.is_dir() else "a file",
                "csv": "a CSV with the columns path,label",
                "ucf101": "UCF101 lists",
                "kinetics": "a Kinetics CSV",
                "list": "a list of paths and labels",
            }[input_format]
            raise UsageError(
                f"{flag} needs {needs}, but {videos} is {what}. Leave it out, or name another input."
            )
    if options.list_number is not None and not videos.is_dir():
        raise UsageError(f"--list-number chooses among the lists of a folder, but {videos} is a file.")
    if input_format == "folders" and not videos.is_dir():
        raise UsageError(f"{videos} is a file; --input-format folders needs a folder of class folders.")


def _check_presence(videos: Path, listed: SourceList) -> SourceList:
    """Counts listed videos that are not there; all of them: the paths are meant otherwise."""
    gone = [source for source in listed.sources if not os.path.lexists(source.location)]
    if len(gone) == len(listed.sources):
        notes = "".join(f" ({note})" for note in listed.notes)
        raise UsageError(
            f"{videos}: none of its {len(gone)} files exists, such as {gone[0].location}. Paths are relative "
            f"to {os.path.abspath(listed.root)}; correct them, or say with --root FOLDER where the videos "  # noqa: PTH100
            f"lie.{notes}"
        )
    if not gone:
        return listed
    note = (
        f"{len(gone)} of {len(listed.sources)} listed videos are not there, such as {gone[0].path}: they "
        "give no clip and count as failed."
    )
    return replace(listed, notes=(*listed.notes, note))


def _check_unlisted(videos: Path, listed: SourceList, options: ListingOptions) -> SourceList:
    """Counts the videos of a folder that its lists do not name; most of them: are the lists meant at all?"""
    if not videos.is_dir():
        return listed
    named = {os.path.normpath(source.location) for source in listed.sources}
    top = os.path.abspath(videos)  # noqa: PTH100
    others = [
        parts
        for parts in walk(videos, allow_outside=options.allow_outside).videos
        if os.path.join(top, *parts) not in named  # noqa: PTH118
    ]
    if not others:
        return listed
    folders = sorted({parts[0] for parts in others if len(parts) > 1})
    num_there = sum(os.path.lexists(source.location) for source in listed.sources)
    if options.input_format == "auto" and len(others) > num_there and len(folders) > 1:
        raise UsageError(
            f"{videos} can be read in two ways: as {listed.read_as} ({num_there} videos that are there), or "
            f"as class folders ({', '.join(folders[:3])}{', ...' if len(folders) > 3 else ''}: {len(others)} "
            f"videos that are not listed). Say which one is meant with --input-format {listed.input_format} "
            "or folders."
        )
    note = f"left out: {len(others)} videos in {videos} that are not listed, such as {'/'.join(others[0])}."
    return replace(listed, notes=(*listed.notes, note))


def _check_classes(videos: Path, listed: SourceList) -> None:
    labels = listed.labels
    if len(labels) == 1:
        raise UsageError(
            f"{videos} has one class only ({labels[0]!r}); a classifier needs two or more. Put the videos of "
            "another class beside it (one folder, or one label in the list, for each class)."
        )
