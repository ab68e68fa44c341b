"""PyTorch: the plain training loop, data in memory, the bound applied after each step."""

import torch
from torch import nn

from benchmarks.cases import BATCH_SIZE, CASES, LEARNING_RATE, MOMENTUM, SEED, Case
from benchmarks.images import draw


def network(case: Case) -> nn.Sequential:
    layers: list[nn.Module] = []
    rates, channels, side = iter(case.rates), case.shape[-1], case.shape[0]
    for filters in case.filters:
        layers += _dropout(next(rates))
        layers += [nn.Conv2d(channels, filters, 5, padding=2), nn.ReLU()]
        layers += [nn.MaxPool2d(3, 2, padding=1)]
        channels, side = filters, (side + 1) // 2
    units = channels * side**2 if case.filters else case.shape[0]
    layers += [nn.Flatten()]
    for width in case.hidden:
        layers += [*_dropout(next(rates)), nn.Linear(units, width), nn.ReLU()]
        units = width
    return nn.Sequential(*layers, *_dropout(next(rates)), nn.Linear(units, 10))


def _dropout(rate: float) -> list[nn.Module]:
    return [nn.Dropout(rate)] if rate else []


def prepare(name: str):
    case = CASES[name]
    torch.manual_seed(SEED)
    images, labels = draw(case)
    if case.filters:
        images = images.transpose(0, 3, 1, 2).copy()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    x = torch.from_numpy(images).to(device)
    y = torch.from_numpy(labels).long().to(device)
    model = network(case).to(device)
    kernels = [m.weight for m in model if isinstance(m, (nn.Linear, nn.Conv2d))]
    bounds = [(w, bound) for w, bound in zip(kernels, case.max_norms, strict=True) if bound]
    optimizer = torch.optim.SGD(model.parameters(), LEARNING_RATE, MOMENTUM, fused=True)
    loss_of = nn.CrossEntropyLoss()

    def block() -> None:
        for _ in range(case.updates):
            batch = torch.randint(len(x), (BATCH_SIZE,), device=device)
            optimizer.zero_grad()
            loss_of(model(x[batch]), y[batch]).backward()
            optimizer.step()
            with torch.no_grad():
                for weight, bound in bounds:
                    norms = weight.flatten(1).norm(dim=1).clamp(min=1e-7)
                    scale = (bound / norms).clamp(max=1)
                    weight.mul_(scale.reshape(-1, *[1] * (weight.dim() - 1)))

        if device == "cuda":
            torch.cuda.synchronize()

    return block, f"eager, {torch.get_num_threads()} threads"
