"""Classifies videos: `python classify.py VIDEO...`, with onnxruntime, opencv-python and numpy, nothing else.

Prints a JSON object for each. One that cannot be read has an `error` instead of a label and does not stop the
others; the exit code is then 1.

Plain code to start from. It reads videos of constant frame rate and without damage as they should be read. It
knows nothing of the others, and opens whatever OpenCV opens: give it files that you trust.
"""

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

MODEL = json.loads(Path(__file__).with_name("model.json").read_text(encoding="utf-8"))
T, S, FIT, FILL = (MODEL["spec"][name] for name in ("num_frames", "image_size", "fit", "fill_rgb"))


def read_clip(path: str) -> np.ndarray:  # (T, S, S, 3): the frames at the centres of T equal segments
    counted, video = cv2.VideoCapture(path), cv2.VideoCapture(path)
    num_frames = sum(1 for _ in iter(counted.grab, False))  # headers are wrong too often
    wide, high = (counted.get(part) for part in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
    aspect = wide / high if wide > 0 and high > 0 else 1.0
    wanted = [(2 * i + 1) * num_frames // (2 * T) for i in range(T)]
    frames = {i: fit(video.retrieve()[1], aspect) for i in range(num_frames) if video.grab() and i in wanted}
    return np.stack([frames[i] for i in wanted])


def fit(frame: np.ndarray, pixel_aspect: float) -> np.ndarray:  # (H, W, 3) BGR -> (S, S, 3) RGB
    (w, h), new_wh = frame.shape[1::-1], [S, S]
    shown_wh = (max(1, int(w * pixel_aspect + 0.5)), h)
    if FIT == "letterbox":
        new_wh = [max(1, int(side * min(S / shown_wh[0], S / shown_wh[1]) + 0.5)) for side in shown_wh]
    elif FIT == "crop":
        x, y = (max(1, int(a * (min(shown_wh) / b) + 0.5)) for a, b in zip((w, h), shown_wh, strict=True))
        frame = frame[(h - y) // 2 : (h + y) // 2, (w - x) // 2 : (w + x) // 2]
    frame = cv2.resize(frame, [*map(min, frame.shape[1::-1], new_wh)], interpolation=cv2.INTER_AREA)
    frame = cv2.resize(frame, new_wh, interpolation=cv2.INTER_LINEAR)[:, :, ::-1]
    x, y = S - new_wh[0], S - new_wh[1]  # bars of one colour: border type 0
    return cv2.copyMakeBorder(frame, y // 2, (y + 1) // 2, x // 2, (x + 1) // 2, 0, value=FILL)


session = ort.InferenceSession(Path(__file__).with_name("model.onnx"), providers=["CPUExecutionProvider"])
parser, exit_code = argparse.ArgumentParser(), 0
parser.add_argument("videos", metavar="VIDEO", nargs="+")
for name in parser.parse_args().videos:
    try:
        _, weights, scores = (o[0].tolist() for o in session.run(None, {"clips": read_clip(name)[None]}))
        answer = {"path": name, "label": MODEL["labels"][np.argmax(scores)], "probability": max(scores)}
        answer |= {"unsure": max(scores) < (MODEL["threshold"] or 0), "attention_weights": weights}
    except (KeyError, AttributeError, cv2.error):  # a frame is missing, or is none
        answer, exit_code = {"path": name, "error": "no video, or frames of it cannot be read"}, 1
    print(json.dumps(answer, ensure_ascii=False))
raise SystemExit(exit_code)
