"""A question of your own: is a LayerNorm worth more than a residual, in RankMixer's block?

rankbench run --study examples/my_question.py:STUDY
"""

from ablations.arm import RANKMIXER, ablation, arm, varied
from rankmixer import RankMixer


class WithoutResiduals(RankMixer):
    def block(self):
        block = super().block()
        block.skip = False
        return block


STUDY = ablation(
    "my-question",
    "What does RankMixer lose without LayerNorm, and without residuals?",
    RANKMIXER,
    varied(RANKMIXER, "no LayerNorm", {"norm": "none"}),
    arm(RANKMIXER, "my-rankmixer-without-residuals", "no residuals", model=WithoutResiduals),
)
