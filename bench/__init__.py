"""The harness, in packages that follow the path of the data.

`machine` · `data` · `contestants` · `training` · `runs`. All use the modules `errors`, `canonical`, `counts`,
`spec` and `metrics`; `speed` uses all packages. A package imports only from those before it.
"""
