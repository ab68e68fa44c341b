"""A run -> its values in the columns of TensorBoard's HParams page.

TensorBoard compares the runs that it is shown, puts the columns that vary among them first, in
alphabetical order, and opens on five. So the columns that dropout is about come first in the
alphabet: bound, keep, learning rate, rate. The names of all others come after `rate`.
"""

from reproduce.plan import Planned

# Column -> field of a run; `columns` adds those that need more than a name.
FIELDS = {
    "keep_conv": "keep_conv",
    "keep_input": "keep_input",
    "learning_rate": "learning_rate",
    "regularizer_l1": "l1",
    "regularizer_l2": "l2",
    "regularizer_sparsity_cost": "sparsity_cost",
    "run_data": "data",
    "run_examples": "examples",
    "run_seed": "seed",
    "run_updates": "updates",
    "setting_batch_size": "batch_size",
    "setting_momentum": "momentum",
    "setting_noise": "noise",
}


def columns(planned: Planned, experiment: str) -> dict[str, str | float]:
    """A run's value in each column; columns that do not apply to it are left out. A column is all
    numbers or all text: where they mix, TensorBoard's filter hides runs."""
    run = planned.run
    values: dict[str, str | float | None] = {}
    for column, field in FIELDS.items():
        value = getattr(run, field)
        values[column] = str(value) if isinstance(value, tuple) else value
    if len(set(run.keeps)) == 1:
        values["keep"], values["rate"] = run.keeps[0], round(1 - run.keeps[0], 6)
    else:
        values["keep_each_layer"] = str(run.keeps)
    # As text, since "none" is one of its values.
    values["bound"] = "none" if run.max_norm is None else f"{run.max_norm:g}"
    values |= {"run_experiment": experiment, "run_arm": planned.arm, "run_x": planned.x}
    net, hidden = type(run.net).__name__, str(getattr(run.net, "hidden", ""))
    values |= {"setting_net": net, "setting_hidden": hidden}
    return {name: value for name, value in values.items() if value not in (None, "", "()")}
