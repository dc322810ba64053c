"""The harness, in rooms that stand in the order in which data passes them.

`machine` · `data` · `contestants` · `training` · `runs`; below them the ground that all stand on (`errors`,
`canonical`, `spec`, `metrics`), above them `speed`. A room imports from those before it only.
"""
