"""Classifies videos: `python classify.py VIDEO...`, with onnxruntime, opencv-python and numpy, nothing else.

Plain code to start from. It reads videos of constant frame rate and without damage as they should be read. It
knows nothing of the others, and opens whatever OpenCV opens: give it files that you trust.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime as ort

MODEL = json.loads(Path(__file__).with_name("model.json").read_text(encoding="utf-8"))
T, S, FIT, FILL = (MODEL["spec"][name] for name in ("num_frames", "image_size", "fit", "fill_rgb"))


def read_clip(path: str) -> np.ndarray:  # (T, S, S, 3): the frames at the centres of T equal segments
    counted, video, num_frames, frames = cv2.VideoCapture(path), cv2.VideoCapture(path), 0, {}
    while counted.grab():  # headers are wrong too often
        num_frames += 1
    wide, high = (max(0.0, counted.get(part)) for part in (cv2.CAP_PROP_SAR_NUM, cv2.CAP_PROP_SAR_DEN))
    wanted = [(2 * i + 1) * num_frames // (2 * T) for i in range(T if num_frames else 0)]
    for index in range(num_frames):
        if video.grab() and index in wanted:
            frames[index] = fit(video.retrieve()[1], wide / high if wide and high else 1.0)
    return np.stack([frames[index] for index in wanted]) if wanted else sys.exit(f"{path}: no frames")


def fit(frame: np.ndarray, pixel_aspect: float) -> np.ndarray:  # (H, W, 3) BGR -> (S, S, 3) RGB
    wh, new_wh = frame.shape[1::-1], [S, S]
    shown_wh = (max(1, int(wh[0] * pixel_aspect + 0.5)), wh[1])
    if FIT == "letterbox":
        new_wh = [max(1, int(side * min(S / shown_wh[0], S / shown_wh[1]) + 0.5)) for side in shown_wh]
    elif FIT == "crop":
        cut = [max(1, int(a * (min(shown_wh) / b) + 0.5)) for a, b in zip(wh, shown_wh, strict=True)]
        left, top = (wh[0] - cut[0]) // 2, (wh[1] - cut[1]) // 2
        frame = frame[top : top + cut[1], left : left + cut[0]]
    shrunk_wh = tuple(map(min, frame.shape[1::-1], new_wh))
    for size_wh, way in ((shrunk_wh, cv2.INTER_AREA), (new_wh, cv2.INTER_LINEAR)):
        frame = cv2.resize(frame, size_wh, interpolation=way)
    left, top, square = (S - new_wh[0]) // 2, (S - new_wh[1]) // 2, np.full((S, S, 3), FILL, np.uint8)
    square[top : top + new_wh[1], left : left + new_wh[0]] = frame[:, :, ::-1]
    return square


session = ort.InferenceSession(Path(__file__).with_name("model.onnx"), providers=["CPUExecutionProvider"])
for name in sys.argv[1:]:
    outputs = session.run(["probabilities", "attention_weights"], {"clips": read_clip(name)[None]})
    label, probability = MODEL["labels"][outputs[0][0].argmax()], float(outputs[0][0].max())
    answer = {"path": name, "label": label, "probability": probability}
    answer |= {"unsure": probability < (MODEL["threshold"] or 0), "attention_weights": outputs[1][0].tolist()}
    print(json.dumps(answer, ensure_ascii=False))
