"""Table 2: the paper's networks on MNIST, and the matched baselines that it leaves out.

Keep 0.8 at the inputs and 0.5 above, max-norm 2 where the row says so (B.1). Every net without
dropout has its own row, tuned alike. Cost at `cpu`: the 3 x 1024 rows only, 9 ms an update.
"""

from reproduce import Budget, Claim, Experiment, GaussianSvm, Mlp, Run, View, arms

DROPOUT = {"keep_input": 0.8, "keep": 0.5}
RATES = (0.02, 0.05, 0.1)


def tuned(net, rates=RATES, **settings):
    return [
        Run(
            data="mnist",
            net=net,
            batch_size=100,
            learning_rate=rate,
            momentum=0.95,
            decay="linear",
            **settings,
        )
        for rate in rates
    ]


def logistic(*hidden, **settings):
    return tuned(Mlp(hidden, "sigmoid"), (0.05, 0.1, 0.2), **settings)


def relu(*hidden, **settings):
    return tuned(Mlp(hidden, "relu"), **settings)


def machine(cost, gamma):
    # A machine makes no updates: what a run must state beside its net is idle here.
    net = GaussianSvm(cost, gamma)
    return Run(data="mnist", net=net, batch_size=1, learning_rate=1.0)


def below(better, worse):
    return Claim(text=f"{better} below {worse}", better=better, worse=worse)


BASELINE = "Standard NN, ReLU, 3 x 1024"
PLAIN, BOUNDED = "Dropout NN, ReLU, 3 x 1024", "Dropout NN + max-norm, ReLU, 3 x 1024"
LOGISTIC = "Dropout NN, logistic, 3 x 1024"
SVM = "SVM Gaussian kernel"
SIMARD = "Standard Neural Net, logistic, 2 x 800"

experiment = Experiment(
    title="Networks on MNIST",
    source="Table 2, section 6.1.1",
    cells=arms(
        {
            SIMARD: logistic(800, 800),
            SVM: [machine(*pair) for pair in ((5, 0.02), (10, 0.02), (10, 0.03))],
            LOGISTIC: logistic(1024, 1024, 1024, **DROPOUT),
            BASELINE: relu(1024, 1024, 1024),
            PLAIN: relu(1024, 1024, 1024, **DROPOUT),
            BOUNDED: relu(1024, 1024, 1024, **DROPOUT, max_norm=2.0),
            "Standard NN, ReLU, 3 x 2048": relu(2048, 2048, 2048),
            "Dropout NN + max-norm, ReLU, 3 x 2048": relu(
                2048, 2048, 2048, **DROPOUT, max_norm=2.0
            ),
            "Standard NN, ReLU, 2 x 4096": relu(4096, 4096),
            "Dropout NN + max-norm, ReLU, 2 x 4096": relu(4096, 4096, **DROPOUT, max_norm=2.0),
            "Standard NN, ReLU, 2 x 8192": relu(8192, 8192),
            "Dropout NN + max-norm, ReLU, 2 x 8192": relu(8192, 8192, **DROPOUT, max_norm=2.0),
            "Dropout NN + max-norm, maxout, 2 x (5 x 240)": tuned(
                Mlp((240, 240), "maxout", 5), **DROPOUT, max_norm=2.0
            ),
        }
    ),
    budgets={
        "smoke": Budget(
            data="digits",
            updates=200,
            seeds=2,
            width=1 / 64,
            arms=(SVM, BASELINE, BOUNDED),
            update_ms=10,
        ),
        "quick": Budget(
            updates=1_500,
            seeds=3,
            width=1 / 4,
            arms=(SIMARD, LOGISTIC, BASELINE, PLAIN, BOUNDED),
            update_ms=1.2,
        ),
        "cpu": Budget(
            updates=24_000, seeds=3, arms=(SVM, LOGISTIC, BASELINE, PLAIN, BOUNDED), update_ms=9
        ),
        "paper": Budget(updates=1_000_000, seeds=5, choice_seeds=2, update_ms=2),
    },
    view=View(kind="arms", paper="Table 2", tolerance_points=0.1),
    claims=(
        below(PLAIN, BASELINE),
        below(BOUNDED, BASELINE),
        below(BOUNDED, PLAIN),
        below(PLAIN, LOGISTIC),
        below("Dropout NN + max-norm, ReLU, 2 x 8192", BOUNDED),
        below("Dropout NN + max-norm, maxout, 2 x (5 x 240)", BOUNDED),
    ),
)
