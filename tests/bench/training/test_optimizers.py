from __future__ import annotations

import torch

from bench.spec import Protocol
from bench.training.optimizers import RowAdagrad, dense_optimizer, summed_rows


def table(rows: int = 50, width: int = 3) -> torch.nn.Embedding:
    torch.manual_seed(0)
    return torch.nn.Embedding(rows, width, sparse=True)


def test_equals_the_adagrad_of_torch_over_several_steps():
    ours, theirs = table(), table()
    own = RowAdagrad(ours.parameters(), lr=0.05, initial_accumulator=0.1)
    reference = torch.optim.Adagrad(theirs.parameters(), lr=0.05, initial_accumulator_value=0.1)
    for step in range(6):
        ids = torch.randint(0, 50, (40,), generator=torch.Generator().manual_seed(step)).int()
        for embedding, optimizer in ((ours, own), (theirs, reference)):
            optimizer.zero_grad()
            (embedding(ids) ** 3).sum().backward()
            optimizer.step()
    torch.testing.assert_close(ours.weight, theirs.weight)


def test_rows_outside_the_batch_keep_weight_and_state():
    embedding = table()
    before = embedding.weight.detach().clone()
    optimizer = RowAdagrad(embedding.parameters(), lr=0.05, initial_accumulator=0.1)
    embedding(torch.tensor([3, 7, 3])).sum().backward()
    optimizer.step()
    changed = (embedding.weight != before).any(dim=1).nonzero().flatten().tolist()
    assert changed == [3, 7]
    sums = optimizer.state[embedding.weight]["sum"]
    assert (sums != 0.1).any(dim=1).nonzero().flatten().tolist() == [3, 7]
    torch.testing.assert_close(sums[3], torch.full((3,), 0.1 + 4.0))  # two look-ups, summed before squaring


def test_repeated_rows_are_summed_once_each_in_ascending_order():
    embedding = table()
    embedding(torch.tensor([9, 2, 9, 9])).sum().backward()
    rows, sums = summed_rows(embedding.weight.grad)
    assert rows.tolist() == [2, 9]
    assert sums.tolist() == [[1.0] * 3, [3.0] * 3]


def test_protocol_chooses_the_dense_optimizer():
    parameters = [torch.nn.Parameter(torch.ones(2))]
    for name, expected in (("rmsprop", torch.optim.RMSprop), ("adamw", torch.optim.AdamW)):
        optimizer = dense_optimizer(
            parameters, Protocol(name="p", dense_optimizer=name, dense_lr=0.3, dense_decay=0.1)
        )
        assert isinstance(optimizer, expected)
        assert optimizer.defaults["lr"] == 0.3
        assert optimizer.defaults["weight_decay"] == 0.1
