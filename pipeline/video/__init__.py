"""A file on disk becomes frames: index, sampling, letterbox, reader, worker. Alone knows cv2.VideoCapture."""
