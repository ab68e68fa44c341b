"""From process start to the first update of the 3 x 1024 net: run in its own process and timed."""

import sys

CASE = "3x1024 dropout + max-norm"


def main() -> None:
    from dataclasses import replace

    from benchmarks import cases

    # One update per block, with few examples.
    cases.CASES[CASE] = replace(cases.CASES[CASE], updates=1, examples=1_000)
    if sys.argv[1] == "ours":
        from benchmarks import ours

        block, _ = ours.prepare(CASE)
        block()
    else:
        from benchmarks import stock_keras
        from benchmarks.images import draw

        case = cases.CASES[CASE]
        images, labels = draw(case)
        model = stock_keras.compiled(case, False, 1)
        model.fit(images[: cases.BATCH_SIZE], labels[: cases.BATCH_SIZE], verbose=0)


if __name__ == "__main__":
    main()
