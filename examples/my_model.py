"""A contestant of your own, in one file: a factorisation machine with a linear part (Rendle, ICDM 2010).

rankbench run compare --contestants dlrm-mlp,dcnv2,rankmixer,examples/my_model.py:FM
"""

from torch import nn

from bench.contestants import Contestant, Dial, Paper


class FactorizationMachine(nn.Module):
    """logit = w x + Σ_r (s_r² − q_r) / 2 per task, with s = V x and q = V² x²."""

    def __init__(self, field_dims, num_tasks=1, *, rank=16):
        super().__init__()
        self.linear = nn.Linear(sum(field_dims), num_tasks)
        self.v = nn.Linear(sum(field_dims), num_tasks * rank, bias=False)

    def forward(self, x_BI):
        pairs = self.v(x_BI) ** 2 - (x_BI**2) @ (self.v.weight**2).T
        return self.linear(x_BI) + pairs.unflatten(1, (self.linear.out_features, -1)).sum(2) / 2


FM = Contestant(
    name="fm",
    title="FM",
    model=FactorizationMachine,
    hyperparameters={"rank": 16},
    dial=Dial(name="rank"),
    paper=Paper(title="Factorization Machines", year=2010, arxiv=None),
)
