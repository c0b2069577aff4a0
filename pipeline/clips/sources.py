"""What there is to preprocess: labelled videos, found in class folders or listed in a CSV.

VIDEOS/<class>/**/video.mp4                     class folders, nested as you like
VIDEOS/train|val|test/<class>/**/video.mp4      with a split of your own
VIDEOS/<class>/**/<name>/0001.png ...           a folder of frame images is a video (`--frame-rate`)
list.csv: path,label[,split,group,start_seconds,end_seconds]     paths relative to the CSV
"""

import os
from pathlib import Path

from pipeline.clips.source import SourceList
from pipeline.clips.source_folder import list_folder
from pipeline.clips.source_table import list_table
from pipeline.errors import UsageError


def list_sources(
    videos: Path, *, frame_rate: float | None = None, group_column: str | None = None
) -> SourceList:
    """Lists the clips of a folder of class folders, or of a CSV.

    Args:
        videos: the folder or the CSV.
        frame_rate: of folders of frame images; without it they are left out.
        group_column: the CSV's column that says what must not be split; default `group`, if there is one.

    Raises:
        UsageError: no such path, no videos, one class only, or a CSV with a mistake (names the line).
    """
    if frame_rate is not None and not 0 < frame_rate <= 1000:
        raise UsageError(f"--frame-rate is {frame_rate}; allowed: above 0, up to 1000 frames a second.")
    if not os.path.lexists(videos):
        raise UsageError(
            f"{videos} does not exist. Give a folder of class folders, or a CSV with the columns path,label."
        )
    if videos.is_dir():
        if group_column is not None:
            raise UsageError(
                f"--group-column {group_column} needs a CSV, but {videos} is a folder. List the videos in a "
                "CSV with the columns path,label and that one."
            )
        listed = list_folder(videos, frame_rate=frame_rate)
    elif videos.suffix.lower() == ".csv":
        listed = list_table(videos, frame_rate=frame_rate, group_column=group_column)
    else:
        raise UsageError(
            f"{videos} is a file but not a .csv. Give a folder of class folders, or a CSV with the columns "
            "path,label."
        )
    _check_classes(videos, listed)
    return listed


def _check_classes(videos: Path, listed: SourceList) -> None:
    labels = listed.labels
    if len(labels) == 1:
        raise UsageError(
            f"{videos} has one class only ({labels[0]!r}); a classifier needs two or more. Put the videos of "
            "another class beside it (one folder, or one label in the CSV, for each class)."
        )
    in_train = {source.label for source in listed.sources if source.split in (None, "train")}
    unknown = {source.label: source for source in listed.sources if source.label not in in_train}
    if in_train and unknown:
        label, source = next(iter(sorted(unknown.items())))
        raise UsageError(
            f"label {label!r} ({source.path}, split {source.split}) has no clip in train, so it could never "
            f"be learned; train has: {', '.join(sorted(in_train))}. Correct the label or the split."
        )
