"""The synthetic world: a feed of short videos whose true probabilities are known.

It has the shape of the data behind RankMixer (arXiv 2507.15551), which is not public: user, item, context,
cross and sequence fields, ids with long tails, and the tasks `finish` (watched to the end) and `skip`.
Because every label is drawn from a probability that is written down, the best AUC any model can reach is
known.

The world is made in four steps, one module each:
    `world`     who is there: users, items and contexts with hidden tastes, drawn once from the seed;
    `events`    what happens: who is shown what and when, with which history, block by block;
    `truth`     how likely each event ends in a finish or a skip: the hidden function models try to learn;
    `generate`  what is logged of it: ids, numbers, labels, and the data set on disk.
"""

from bench.synthetic.generate import dataset_name, schema, synthesize

__all__ = ["dataset_name", "schema", "synthesize"]
