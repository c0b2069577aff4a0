"""Classifies videos: `python classify.py VIDEO...`, with onnxruntime, opencv-python and numpy, nothing else.

Plain code to start from. It reads videos of constant frame rate, square pixels and no damage as they should
be read. It knows nothing of the others, and opens whatever OpenCV opens: give it files that you trust.
"""

import json
import sys
from pathlib import Path

import cv2
import numpy as np
import onnxruntime

HERE = Path(__file__).resolve().parent
MODEL = json.loads((HERE / "model.json").read_text(encoding="utf-8"))
T, S, FIT, FILL = (MODEL["spec"][name] for name in ("num_frames", "image_size", "fit", "fill_rgb"))


def read_clip(path: str) -> np.ndarray:  # (T, S, S, 3): the frames at the centres of T equal segments
    counted, video, num_frames, frames = cv2.VideoCapture(path), cv2.VideoCapture(path), 0, {}
    while counted.grab():  # headers are wrong too often
        num_frames += 1
    wanted = [(2 * i + 1) * num_frames // (2 * T) for i in range(T if num_frames else 0)]
    for index in range(num_frames):
        if video.grab() and index in wanted:
            frames[index] = fit(video.retrieve()[1])
    return np.stack([frames[index] for index in wanted]) if wanted else sys.exit(f"{path}: no frames")


def fit(frame: np.ndarray) -> np.ndarray:  # (H, W, 3) BGR -> (S, S, 3) RGB
    side, (height, width) = min(frame.shape[:2]), frame.shape[:2]
    if FIT == "crop":
        top, left, height, width = (height - side) // 2, (width - side) // 2, side, side
        frame = frame[top : top + side, left : left + side]
    scales = [min(S / width, S / height)] * 2 if FIT == "letterbox" else [S / width, S / height]
    new_width, new_height = (max(1, int(a * b + 0.5)) for a, b in zip((width, height), scales, strict=True))
    frame = cv2.resize(frame, (min(width, new_width), min(height, new_height)), interpolation=cv2.INTER_AREA)
    frame = cv2.resize(frame, (new_width, new_height), interpolation=cv2.INTER_LINEAR)
    square, top, left = np.full((S, S, 3), FILL, np.uint8), (S - new_height) // 2, (S - new_width) // 2
    square[top : top + new_height, left : left + new_width] = frame[:, :, ::-1]
    return square


session = onnxruntime.InferenceSession(HERE / "model.onnx", providers=["CPUExecutionProvider"])
for name in sys.argv[1:]:
    outputs = session.run(["probabilities", "attention_weights"], {"clips": read_clip(name)[None]})
    probabilities, attention_weights = outputs[0][0], outputs[1][0]
    best, probability = int(probabilities.argmax()), float(probabilities.max())
    answer = {"path": name, "label": MODEL["labels"][best], "probability": probability}
    answer["unsure"] = probability < (MODEL["threshold"] or 0)
    answer["attention_weights"] = attention_weights.tolist()
    print(json.dumps(answer, ensure_ascii=False))
