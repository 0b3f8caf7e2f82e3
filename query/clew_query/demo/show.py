"""The end of the demo, for people: the account, the path of one failed request, the alert, and what to try next."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from clew_query.terminal.tree import render_tree

from .result import DemoResult

__all__ = ["show"]

STYLES = {
    "gateway": "JSON by structlog",
    "orders": "logfmt",
    "inventory": "text by logging, ids in brackets",
    "payments": "logback-like text, X-Request-ID only",
    "shipping": "Docker json-file, behind a queue",
}


def show(result: DemoResult, console: Console, *, stays: bool) -> None:
    """Print the result; `stays` says whether the page can be opened now."""
    console.rule("The account")
    console.print(_account(result))
    verdict = "[green]every line, once[/]" if result.accounted else "[red]this does not add up[/]"
    console.print(f"{result.written} lines written, {result.stored} lines stored: {verdict}\n")

    console.rule("One failed request, everywhere")
    console.print(
        f"{result.failed} of {result.requests} requests were answered 502. One of them is"
        f" [bold]{result.failed_request}[/]; payments only logs that id, the others a trace id:"
    )
    render_tree(result.transaction, console)
    console.print()

    console.rule("The alert")
    if alert := result.alert:
        console.print(
            f"[red]{alert['status']}[/] {alert['rule']}: {alert['value']:.1%} of the lines of"
            f" [bold]{alert['service']}[/] are errors ({alert['errors']} of {alert['events']});"
            f" more than {alert['threshold']:.0%} are too many. A webhook was told, once.\n"
        )
    for problem in result.problems:
        console.print(f"[red]{problem}[/]")

    console.rule("Next")
    if stays:
        console.print(f"The page: [link={result.url}]{result.url}[/link]   until Ctrl-C. In another terminal:")
    else:
        console.print("On a terminal `clew demo` stays up, with the page. Then, in another terminal:")
    for line in (
        f"clew trace {result.failed_request} --server {result.url}",
        f"clew search 'service:payments severity>=error' --server {result.url}",
        f"clew tail 'severity>=warn' --server {result.url}",
        f"clew alerts list --server {result.url}",
        f"clew audit --server {result.url}",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)


def _account(result: DemoResult) -> Table:
    table = Table(box=None, pad_edge=False)
    table.add_column("service")
    table.add_column("host")
    table.add_column("how it logs")
    table.add_column("written", justify="right")
    table.add_column("stored", justify="right")
    for account in result.services:
        stored = f"{account.stored}" if account.stored == account.written else f"[red]{account.stored}[/]"
        table.add_row(account.service, account.host, STYLES[account.service], f"{account.written}", stored)
    return table
