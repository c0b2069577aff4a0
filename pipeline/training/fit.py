"""The training loop: AdamW, warm-up and cosine, early stopping on validation loss, resumable at any step."""

import contextlib
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import nn

from pipeline.errors import TrainingError
from pipeline.evaluation.metrics import score
from pipeline.training import not_a_number
from pipeline.training.fit_state import FitState
from pipeline.training.losses import class_weights, part_of_step, validation_losses
from pipeline.training.options import TrainOptions
from pipeline.training.signals import Held, held_signals
from pipeline.training.task import Batches, Epoch, FitResult, Task

_DROPOUT = 0xD80  # sets these draws apart from others of the same seed


def fit(
    task: Task,
    options: TrainOptions,
    *,
    resume_file: Path | None = None,
    keep_start: bool = False,
    on_epoch: Callable[[Epoch], None] = lambda epoch: None,
    on_save: Callable[[Sequence[Epoch]], None] = lambda history: None,
    say: Callable[[str], None] = lambda sentence: None,
) -> FitResult:
    """Trains `task.model` and leaves it with the weights of the lowest rescaled validation loss.

    Everything random depends only on the seed, the epoch and the step, and the state is kept in
    `resume_file` from time to time: a run that was killed goes on from there and ends in the same weights.
    Ctrl-C and SIGTERM end the step, save, and then act.

    Args:
        task: what is fitted to what.
        options: of the run.
        resume_file: where the state is kept; None: nowhere.
        keep_start: the weights it starts from count too: no epoch may be better (`best_epoch` 0).
        on_epoch: is given each epoch when it ends, those of a resumed run too.
        on_save: is given the history whenever the state was saved, and before an error ends it.
        say: is given sentences.

    Raises:
        TrainingError: the loss is not a number; says why.
        CheckpointError: `resume_file` cannot be read.
        MachineError: `resume_file` cannot be written.
    """
    loop = _Loop(task, options, resume_file, on_save)
    state = loop.state
    if resume_file is not None and resume_file.exists():
        state.restore(resume_file)
        for row in state.history:
            on_epoch(row)
    elif keep_start:
        state.keep_if_best(0, loop.validate(epoch=0)[2])
    try:
        with held_signals(say) if resume_file is not None else contextlib.nullcontext(Held()) as held:
            while held.number is None and not state.finished(options) and loop.train_epoch(held):
                on_epoch(loop.end_epoch())
                loop.save_if_due(held)
    except TrainingError:
        on_save(state.history)
        raise
    task.model.load_state_dict(state.best_weights)
    return FitResult(history=tuple(state.history), best_epoch=state.best_epoch)


class _Loop:
    """The steps of a fit."""

    def __init__(
        self,
        task: Task,
        options: TrainOptions,
        resume_file: Path | None,
        on_save: Callable[[Sequence[Epoch]], None],
    ) -> None:
        self.task, self.options = task, options
        self.state = FitState(task, options)
        self._resume_file, self._on_save = resume_file, on_save
        self._step_size = options.chosen_batch_size * options.accumulate
        self._part_size = min(options.chosen_batch_size, task.most_at_once or options.chosen_batch_size)
        self._steps_per_epoch = math.ceil(len(task.train.class_indices) / self._step_size)
        ones = np.ones(task.num_classes)
        targets = task.train.class_indices
        self._weights = class_weights(targets, task.num_classes) if options.class_weights else ones
        self._loss_weights = None
        if options.class_weights:
            self._loss_weights = torch.tensor(self._weights, dtype=torch.float32, device=task.device)
        self._trained = [weight for group in task.parameter_groups for weight in group["params"]]

    @property
    def epoch(self) -> int:
        """The epoch that is under way, from 1."""
        return len(self.state.history) + 1

    def train_epoch(self, held: Held) -> bool:
        """What is left of a pass over the training clips; False where a signal stopped it."""
        state = self.state
        self.task.model.train()
        order = self._order()
        while state.steps_done < self._steps_per_epoch:
            start = state.steps_done * self._step_size
            rows = order[start : start + self._step_size]
            loss, state.predicted[start : start + len(rows)] = self._step(rows)
            state.loss_sum += loss * len(rows)
            state.steps_done += 1
            self.save_if_due(held)
            if held.number is not None:
                return False
        return True

    def end_epoch(self) -> Epoch:
        """Judges on the validation clips and adds the row to the history."""
        task, state = self.task, self.state
        order = self._order()
        rate = self._learning_rate()  # of the last step
        logits, val_loss, rescaled = self.validate(epoch=self.epoch)
        scores = score(task.val.class_indices, logits.argmax(axis=1), task.num_classes)
        trained = score(task.train.targets(order, epoch=self.epoch), state.predicted, task.num_classes)
        row = Epoch(
            epoch=self.epoch,
            stage=task.stage,
            learning_rate=rate,
            train_loss=state.loss_sum / len(order),
            train_macro_f1=trained.macro_f1,
            val_loss=val_loss,
            val_loss_rescaled=rescaled,
            val_accuracy=scores.accuracy,
            val_macro_f1=scores.macro_f1,
        )
        state.add(row)
        return row

    def validate(self, *, epoch: int) -> tuple[np.ndarray, float, float]:
        """Logits (N, K) float64 of the validation clips, and their loss, as it is and rescaled."""
        task = self.task
        task.model.eval()
        collected = []
        all_rows = range(len(task.val.class_indices))
        with torch.inference_mode():
            for start in all_rows[:: self._part_size]:
                rows = all_rows[start : start + self._part_size]
                inputs = task.val.inputs(rows, epoch=None).to(task.device)
                logits = task.logits(inputs).float()
                if not torch.isfinite(logits).all():
                    self._refuse(task.val, rows, inputs, logits, f"in validation after epoch {epoch}")
                collected.append(logits.double().cpu())
        everything = torch.cat(collected).numpy()
        val_loss, rescaled = validation_losses(everything, task.val.class_indices, self._weights)
        return everything, val_loss, rescaled

    def save_if_due(self, held: Held) -> None:
        """Saves the state now and then, and at once where a signal waits."""
        if self._resume_file is not None and (held.number is not None or self.state.is_due()):
            self.state.save(self._resume_file)
            self._on_save(self.state.history)

    def _order(self) -> np.ndarray:
        """The training clips (N,) in the order of the epoch."""
        draw = np.random.default_rng([self.options.seed, self.epoch])
        return draw.permutation(len(self.task.train.class_indices))

    def _step(self, rows: np.ndarray) -> tuple[float, np.ndarray]:
        """One step of the optimiser: the loss and the answers (B,) on the way to it."""
        task, options, state = self.task, self.options, self.state
        rate = self._learning_rate(next_step=True)
        for group, factor in zip(state.optimizer.param_groups, state.rates, strict=True):
            group["lr"] = rate * factor
        draw = np.random.SeedSequence([_DROPOUT, options.seed, self.epoch, state.steps_done])
        _seed_dropout(int(draw.generate_state(1, np.uint64)[0]), task.device)
        targets = task.train.targets(rows, epoch=self.epoch)
        step_weight = float(self._weights[targets].sum())
        state.optimizer.zero_grad(set_to_none=True)
        loss_of_step, predicted = 0.0, []
        for start in range(0, len(rows), self._part_size):
            part = rows[start : start + self._part_size].tolist()
            inputs = task.train.inputs(part, epoch=self.epoch).to(task.device, non_blocking=True)
            logits = task.logits(inputs).float()
            loss = part_of_step(
                logits,
                torch.from_numpy(targets[start : start + self._part_size]).to(task.device),
                self._loss_weights,
                step_weight=step_weight,
            )
            loss_of_part = loss.item()
            if not math.isfinite(loss_of_part):
                self._refuse(task.train, part, inputs, logits, self._where())
            loss.backward()  # type: ignore[no-untyped-call]
            loss_of_step += loss_of_part
            predicted.append(logits.detach().argmax(dim=1).cpu().numpy())
        norm = nn.utils.clip_grad_norm_(self._trained, options.gradient_clip or math.inf)
        if not math.isfinite(norm.item()):
            raise TrainingError(
                f"the gradient became {norm.item()} {self._where()}, though the loss was "
                f"{loss_of_step:.3g}: too steep for float32 at learning rate {rate:.2g}. Try a lower "
                "--learning-rate."
            )
        state.optimizer.step()
        return loss_of_step, np.concatenate(predicted)

    def _learning_rate(self, *, next_step: bool = False) -> float:
        steps = len(self.state.history) * self._steps_per_epoch + self.state.steps_done
        total = self._steps_per_epoch * self.options.epochs
        return learning_rate(self.options, steps if next_step else max(steps - 1, 0), total)

    def _where(self) -> str:
        return f"in epoch {self.epoch}, step {self.state.steps_done + 1}"

    def _refuse(
        self, batches: Batches, rows: Sequence[int], inputs: torch.Tensor, logits: torch.Tensor, where: str
    ) -> None:
        why = not_a_number.cause(
            self.task.model,
            batches,
            rows,
            inputs=inputs,
            logits=logits,
            learning_rate=self.options.peak_learning_rate,
        )
        raise TrainingError(f"the loss is not a number {where}: {why}")


def _seed_dropout(seed: int, device: torch.device) -> None:
    """Seeds the generators that dropout draws from; the same numbers as after `torch.manual_seed`.

    That one also looks for devices that are not there, at each step: 3 of the 9 ms of a small head's step.
    """
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed_all(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def learning_rate(options: TrainOptions, step: int, total_steps: int) -> float:
    """Linear warm-up, then half a cosine down to 0 (Loshchilov and Hutter, SGDR, 2017, without restarts)."""
    warmup = min(options.warmup_steps, total_steps // 2)
    if step < warmup:
        return options.peak_learning_rate * (step + 1) / warmup
    progress = (step - warmup) / max(total_steps - warmup, 1)
    return options.peak_learning_rate * 0.5 * (1 + math.cos(math.pi * progress))
