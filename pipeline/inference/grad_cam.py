"""Where in a frame: Grad-CAM through the temporal head.

For frame t, with A_k the channels of the backbone's last map of it and y the logit of the class for the whole
clip: weight_k = mean over places of dy / dA_k;  map = ReLU(sum_k weight_k A_k). From Selvaraju et al.,
Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization, 2017 (arXiv:1610.02391).
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as F

from pipeline.model.classifier import ClipClassifier
from pipeline.model.last_map import map_layer, maps_of, traced
from pipeline.model.threads import one_thread


def grad_cam(
    classifier: ClipClassifier, frames: NDArray[np.uint8], class_index: int, places: Sequence[int]
) -> NDArray[np.float32]:
    """Maps (len(places), S, S) of what speaks for a class in some frames of a clip: 0 and up, not scaled.

    Computed by torch in float32, on the device where the classifier is. Weights and flags stay as they are.

    Args:
        classifier: in eval mode.
        frames: (T, S, S, 3) uint8 RGB, the whole clip.
        class_index: of the class.
        places: of the frames in the clip, 0 to T - 1.

    Raises:
        UsageError: the backbone has no map.
    """
    device = classifier.mean.device
    layer = map_layer(classifier.backbone)
    # No TF32; and cuDNN's LSTM has no gradient in eval mode.
    with torch.inference_mode(mode=False), torch.backends.cudnn.flags(allow_tf32=False):
        clip = torch.from_numpy(np.array(frames))[None].to(device)
        features, values = traced(classifier.backbone, layer, classifier.normalised(clip))
        if classifier.config.precision == "float16":  # rounded as the head knows them; gradients are not
            features = features + (features.half().float() - features).detach()
        with torch.enable_grad(), torch.backends.cudnn.flags(enabled=False), one_thread():
            logit = classifier.head(features).logits[0, class_index]
            (gradient,) = torch.autograd.grad(logit, values)
        chosen = torch.tensor(list(places), device=device)
        maps, slopes = (maps_of(each.detach(), layer)[chosen] for each in (values, gradient))
        weights = slopes.mean(dim=(2, 3), keepdim=True)  # (N, C, 1, 1)
        cams = torch.relu((weights * maps).sum(dim=1, keepdim=True))  # (N, 1, h, w)
        side = classifier.config.image_size
        found = F.interpolate(cams, size=(side, side), mode="bilinear", align_corners=False)[:, 0]
    return np.asarray(found.cpu().numpy())
