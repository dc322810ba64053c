"""The synthetic world: a feed of short videos whose true probabilities are known.

It has the shape of the data behind RankMixer (arXiv 2507.15551), which is not public: user, item, context,
cross and sequence fields, ids with long tails, and the tasks `finish` (watched to the end) and `skip`.
Because every label is drawn from a probability that is written down, the best AUC any model can reach is
known.

An event has latent codes that nobody logs. A hidden function of the codes, from one of three families, says
how likely it ends in a finish or a skip; ids and attributes that are noisy functions of the codes are what
is logged. For one seed the events of all families are the same; only their labels differ.

    `counter`                     random numbers that depend on what they are for, not on what came before
    `codes`                       the latents
    `population`                  who is there: users, items, attributes
    `events`                      what happens: who is shown what and when, with which history
    `rules` `trees` `network`     the families of hidden functions
    `truth`                       from their outputs to probabilities
    `fields`                      what is logged: ids, numbers, labels
    `generate`                    the data set on disk
"""

from bench.data.synthetic.fields import schema
from bench.data.synthetic.generate import REV, dataset_name, rows_of_splits, synthesize
from bench.data.synthetic.truth import FAMILIES

__all__ = ["FAMILIES", "REV", "dataset_name", "rows_of_splits", "schema", "synthesize"]
