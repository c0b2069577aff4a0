"""Scripts as users write them, without a main guard: each reads every path that it is given.

`UNPROTECTED` opens files as most programs do: it shows that the witnesses see what hostile files do.
"""

PROTECTED = """
import json, os, sys
import cv2
from pipeline.errors import VideoError
from pipeline.spec import ClipSpec
from pipeline.video.worker import read_clip_isolated, read_clips_isolated
print("main runs", file=sys.stderr)
model, time_limit = sys.argv[1], float(sys.argv[2])
wanted = json.load(sys.stdin)
paths = [os.fsencode(path) for path in wanted["read"]]
spec = ClipSpec(num_frames=3, image_size=32)
for path, outcome in read_clips_isolated(paths, spec, num_workers=2, time_limit_seconds=time_limit):
    reason = outcome.reason if isinstance(outcome, VideoError) else "ok"
    print(json.dumps(["read", os.fsdecode(path), reason]), flush=True)
for path in paths[:3]:
    try:
        read_clip_isolated(path, spec)
        reason = "ok"
    except VideoError as error:
        reason = error.reason
    print(json.dumps(["read one", os.fsdecode(path), reason]), flush=True)
if model:
    from pipeline import load
    classifier = load(model)
    for result in classifier.classify_many(wanted["classify"]):
        print(json.dumps(["classify", result.path, result.error or "ok"]), flush=True)
    try:
        classifier.classify(wanted["classify"][0])
        reason = "ok"
    except VideoError as error:
        reason = error.reason
    print(json.dumps(["classify one", wanted["classify"][0], reason]), flush=True)
"""

UNPROTECTED = """
import os, sys
import cv2
video = cv2.VideoCapture(os.fsencode(sys.argv[1]), cv2.CAP_FFMPEG, [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, 2000])
for _ in range(20):
    video.grab()
"""
