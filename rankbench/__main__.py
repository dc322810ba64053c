"""The command line.

Exit codes: 0 done; 1 a run failed or a contestant could not take part (the record says why); 2 bad usage or
input, found before any work; 130 interrupted, with the store intact.
"""

from __future__ import annotations

import atexit
import gc
import importlib.metadata
import os
import sys
from typing import Annotated

import typer
from typer.exceptions import TyperException

from bench.errors import BadInput, WorkerDied
from rankbench import (
    check,
    data,
    fairness,
    fit,
    list,  # noqa: A004
    predict,
    report,
    run,
    show,
    speed,
    tune,
)
from rankbench.console import complain, print_in_any_encoding

INTERRUPTED = 130
_OBJECTS_BETWEEN_COLLECTIONS = 100_000
"""Python's 700 make it go through all of torch again and again: an eighth of the time of `show`."""
app = typer.Typer(
    name="rankbench",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Compare CTR ranking models of the same size, trained in the same way, and say who is better.",
)


@app.callback(invoke_without_command=True)
def _main(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        print(f"rankbench {importlib.metadata.version('rankbench')}")
        raise typer.Exit


app.command("list")(list.run)
app.add_typer(data.app, name="data")
for command in (show, run, tune, fairness, report, fit, predict, speed, check):
    app.command(command.__name__.rpartition(".")[2])(command.run)


def main() -> None:
    """Runs the command in `sys.argv` and exits with its code."""
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS)
    atexit.register(gc.freeze)  # else Python goes through all of torch once more before it ends
    print_in_any_encoding()
    try:
        code = app(standalone_mode=False)
        if code == INTERRUPTED:  # typer makes an exit code of Ctrl-C
            complain("interrupted; 'run' keeps finished runs, and the same command resumes")
    except TyperException as error:
        complain(error.format_message() or "no command was given; --help lists the commands")
        code = 2
    except BadInput as error:
        complain(str(error))
        code = 2
    except WorkerDied as error:
        complain(f"{error}; the finished runs are in the store")
        code = 1
    except BrokenPipeError:  # whoever read the answer has gone
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code)


if __name__ == "__main__":
    main()
