"""TensorBoard event files: scalars of every run, read with `tensorboard --logdir logs`."""

from pathlib import Path

import tensorflow as tf

from reproduce.train import Training

# About this many points a run, whatever its length.
LOGGED_POINTS = 100


class EventLog:
    """Writes a training's scalars; step is the number of updates made."""

    def __init__(self, folder: Path, training: Training):
        self.writer = tf.summary.create_file_writer(str(folder))
        self.training = training
        self.next_step = 0.0
        self.measured = 0
        settings = training.run.settings()
        with self.writer.as_default(step=0):
            table = "\n".join(f"| {key} | {value} |" for key, value in settings.items())
            tf.summary.text("run", f"| setting | value |\n| --- | --- |\n{table}")

    def update(self) -> None:
        """Logs what is new; cheap when nothing is."""
        training = self.training
        for entry in training.history[self.measured :]:
            with self.writer.as_default(step=entry.step):
                tf.summary.scalar(f"{entry.measure}/{entry.split}", entry.value)
        self.measured = len(training.history)
        if training.step < self.next_step and training.step < training.run.updates:
            return
        self.next_step = training.step + training.run.updates / LOGGED_POINTS
        learning_rate, momentum, _ = training.schedule[training.step - 1]
        with self.writer.as_default(step=training.step):
            tf.summary.scalar("loss/train", training.loss)
            tf.summary.scalar("learning_rate", learning_rate)
            tf.summary.scalar("momentum", momentum)
            for path, norm in training.engine.norms().items():
                tf.summary.scalar(f"weight_norm/{path}", norm)

    def close(self) -> None:
        self.writer.close()
