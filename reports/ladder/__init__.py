"""The section of contestants at several budgets: how quality grows with size, and what cannot be told.

`growth` collects the runs of a study by contestant and fits `reports.scaling` to them, `answer` says in
sentences what the fits and the verdicts support, `figures` draws them, and `section` puts it all together.
"""
