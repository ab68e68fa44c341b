import keras
import numpy as np
import pytest
from backend import JIT, array, ones

import layers
from layers import Dropout, RateSchedule, early_dropout, late_dropout


def trained(callback, drop, updates=3, epochs=2):
    """A model that `drop` is in after a `fit` with this callback, and the rate at each update."""
    seen = []

    class Rates(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append(drop.rate)

    model = keras.Sequential([keras.Input((40,)), drop, keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=JIT)
    model.fit(
        ones((4 * updates, 40)),
        ones((4 * updates, 1)),
        batch_size=4,
        epochs=epochs,
        callbacks=[callback, Rates()],
        verbose=0,
    )
    return model, seen


def test_a_schedule_sets_the_rate_every_update_across_epochs_and_fits():
    drop = Dropout(0.5, seed=1)
    schedule = RateSchedule(early_dropout(0.5, until=5), every="update")
    model, seen = trained(schedule, drop)
    np.testing.assert_allclose(seen, [0.5, 0.4, 0.3, 0.2, 0.1, 0.0], atol=1e-4)
    assert float(drop.stream.keep()) == 1
    late = RateSchedule(late_dropout(0.25, start=7), every="update")
    model.fit(ones((12, 40)), ones((12, 1)), batch_size=4, callbacks=[late], verbose=0)
    # The optimizer had counted 6 updates: from the second of these three on.
    assert drop.rate == 0.25


def test_a_schedule_sets_the_rate_every_epoch():
    _, seen = trained(RateSchedule(late_dropout(0.3, start=1)), Dropout(0.0))
    assert seen == [0.0] * 3 + [0.3] * 3


def test_a_callback_of_the_users_sets_the_rate_between_updates_on_every_backend():
    """On JAX a model's variables have no values then."""
    drop = Dropout(0.1, seed=1)

    class Own(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            drop.rate = 0.9 if batch == 0 else 0.3

    class Count(keras.layers.Layer):
        """Adds up, as state of the model, how many units are 0."""

        def build(self, shape):
            self.zeros = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, x):
            zeros = keras.ops.mean(keras.ops.cast(x == 0, "float32"))
            self.zeros.assign(self.zeros * 10 + keras.ops.round(zeros * 9))
            return x

    count = Count()
    model = keras.Sequential([keras.Input((2000,)), drop, count, keras.layers.Dense(1)])
    model.compile("sgd", "mse", jit_compile=JIT)
    model.fit(ones((6, 2000)), ones((6, 1)), batch_size=2, callbacks=[Own()], verbose=0)
    assert int(count.zeros) == 183  # 0.1, 0.9, 0.3 of 9
    assert drop.rate == 0.3
    assert array(drop.stream.keep()) == pytest.approx(0.7, abs=1e-4)


def test_early_dropout_ends_and_late_dropout_starts_where_they_say():
    early, constant = early_dropout(0.2, 10), early_dropout(0.2, 10, linear=False)
    assert [early(0), early(10), early(99)] == [round(0.2 * 65536) / 65536, 0.0, 0.0]
    assert early(5) == pytest.approx(0.1, abs=1e-4)
    assert [constant(0), constant(9), constant(10)] == [0.2, 0.2, 0.0]
    assert [late_dropout(0.2, 10)(update) for update in (0, 9, 10)] == [0.0, 0.0, 0.2]
    # A rate finer than the masks are is none: every rate of a schedule may be set.
    for update in range(100_000 - 5, 100_001):
        Dropout(0.5).rate = early_dropout(0.5, 100_000)(update)


def test_learned_rates_and_dropconnect_that_is_off_are_left_alone():
    cell = keras.layers.SimpleRNNCell(3)
    recurrent = layers.VariationalRNN(cell, rate=0.1, recurrent_rate=0.1)
    learned = layers.ConcreteDropout(keras.layers.Dense(2), 0.3)
    model = keras.Sequential([keras.Input((4, 5)), recurrent, learned])
    model.compile("sgd", "mse", jit_compile=JIT)
    schedule = RateSchedule(lambda epoch: 0.6)
    model.fit(ones((2, 4, 5)), ones((2, 2)), callbacks=[schedule], verbose=0)
    assert recurrent.rate == recurrent.recurrent_rate == 0.6
    assert recurrent.recurrent_weight_rate == 0
    assert learned.rate == pytest.approx(0.3, abs=0.01)


def recurrent(**rates):
    layer = layers.VariationalRNN(keras.layers.LSTMCell(4), **rates)
    model = keras.Sequential([keras.Input((3, 2)), layer])
    model.compile("sgd", "mse", jit_compile=JIT)
    return model, layer


def follow(model, schedule, first, last, **settings):
    callback = RateSchedule(schedule, **settings)
    epochs = {"initial_epoch": first, "epochs": last}
    model.fit(ones((4, 3, 2)), ones((4, 4)), **epochs, callbacks=[callback], verbose=0)


def rates_of(layer):
    return layer.rate, layer.recurrent_rate, layer.recurrent_weight_rate


@pytest.mark.parametrize("named", [False, True])
def test_the_rates_of_a_recurrent_layer_follow_that_the_user_gave(named, tmp_path):
    def settings(layer):
        return {"layers": [layer]} if named else {}

    model, layer = recurrent(rate=0.3, recurrent_rate=0.0)
    follow(model, lambda epoch: 0.4, 0, 1, **settings(layer))
    assert rates_of(layer) == (0.4, 0.0, 0.0)
    # What a schedule has set to 0 follows the next one: in another `fit`, and in a loaded model.
    late = late_dropout(0.5, start=2)
    model, layer = recurrent(rate=0.0, recurrent_rate=0.2, recurrent_weight_rate=0.5)
    follow(model, late, 0, 2, **settings(layer))
    assert rates_of(layer) == (0.0, 0.0, 0.0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    for each in (model, loaded):
        layer = each.layers[0]
        follow(each, late, 2, 4, **settings(layer))
        assert rates_of(layer) == (0.0, 0.5, 0.5)
    # What the user sets between two of them counts again.
    layer.rate, layer.recurrent_rate = 0.1, 0.0
    follow(loaded, lambda epoch: 0.4, 0, 1, **settings(layer))
    assert rates_of(layer) == (0.4, 0.0, 0.4)


def test_a_ramp_passes_through_rates_that_are_finer_than_the_masks():
    drop = Dropout(0.5)
    ramp = RateSchedule(lambda update: 0.5 * min(1, update / 100_000), every="update")
    _, seen = trained(ramp, drop, updates=4, epochs=1)
    assert seen == [0.0, 0.0, 1e-5, 1.5e-5]
    for wrong in (-1e-9, float("nan"), 1.0, "0.1", None, True):
        with pytest.raises(ValueError, match="`rate` is the fraction"):
            trained(RateSchedule(lambda epoch, wrong=wrong: wrong), Dropout(0.5))


def test_updates_are_counted_as_the_optimizer_counts_them_with_an_accumulated_gradient():
    seen = []
    model = keras.Sequential([keras.Input((3,)), Dropout(0.5), keras.layers.Dense(1)])
    optimizer = keras.optimizers.SGD(gradient_accumulation_steps=4)
    model.compile(optimizer, "mse", jit_compile=JIT)
    schedule = RateSchedule(lambda update: seen.append(update) or 0.5, every="update")
    expected = [batch // 4 for batch in range(18)]
    # Six batches an epoch: an epoch, and a `fit`, may end within an update.
    for epochs in (1, 2):
        x, y = ones((12, 3)), ones((12, 1))
        model.fit(x, y, batch_size=2, epochs=epochs, callbacks=[schedule], verbose=0)
    assert seen == expected
    assert int(optimizer.iterations) == 18 // 4


def test_an_epoch_begins_where_the_optimizer_is_though_scaled_losses_overflowed():
    seen, counted = [], []

    class Counted(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            counted.append(int(self.model.optimizer.iterations))

    model = keras.Sequential([keras.Input((3,)), Dropout(0.5), keras.layers.Dense(1)])
    scaled = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(1e-6), 2.0**126)
    model.compile(scaled, "mse", jit_compile=JIT)
    schedule = RateSchedule(lambda update: seen.append(update) or 0.5, every="update")
    callbacks = [schedule, Counted()]
    model.fit(ones((6, 3)), 9 * ones((6, 1)), 1, epochs=3, callbacks=callbacks, verbose=0)
    assert seen[::6] == counted
    assert 0 < counted[-1] < 12


def test_what_is_no_schedule_is_refused():
    with pytest.raises(ValueError, match="`schedule` is a function"):
        RateSchedule(0.5)
    with pytest.raises(ValueError, match="`every` is one of"):
        RateSchedule(lambda step: 0.5, every="batch")
    for wrong in (early_dropout, late_dropout):
        with pytest.raises(ValueError, match="positive integer"):
            wrong(0.5, 0)
        with pytest.raises(ValueError, match=r"in \[0, 1\)"):
            wrong(1.0, 5)
