"""Scaling laws with intervals, of any points: it takes sizes, values and seeds, and knows nothing of records.

`fit` fits one contestant's runs over sizes and says what they cannot tell, `compare` compares several fits,
`fit_surface` fits a law in size and training rows, `leave_one_out` says how much a fit owes to one size or
seed, and `decision_accuracy` how often a small budget decides as the largest does.
"""

from reports.scaling.comparison import Pair as Pair
from reports.scaling.comparison import compare as compare
from reports.scaling.decisions import decision_accuracy as decision_accuracy
from reports.scaling.laws import METRICS as METRICS
from reports.scaling.laws import Law as Law
from reports.scaling.laws import Metric as Metric
from reports.scaling.laws import metric_named as metric_named
from reports.scaling.selection import Fit as Fit
from reports.scaling.selection import fit as fit
from reports.scaling.sensitivity import leave_one_out as leave_one_out
from reports.scaling.two_variables import Surface as Surface
from reports.scaling.two_variables import fit_surface as fit_surface
