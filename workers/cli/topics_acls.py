"""``convmine topics acls``: what each process may do on Kafka, as commands or as JSON."""

from __future__ import annotations

from dataclasses import asdict

import click

from pipeline.settings import load
from workers.cli.output import print_json


@click.command("acls")
@click.option(
    "--principal-prefix",
    default="User:convmine-",
    show_default=True,
    help="Stands before the name of each process; the principal of extract in the lane live is then "
    "User:convmine-extract-live.",
)
@click.option("--process", metavar="NAME", help="Only this process, such as extract-live, gateway or cli.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["kafka-acls", "json"]),
    default="kafka-acls",
    show_default=True,
    help="Commands of kafka-acls.sh, or one JSON document.",
)
def acls_of_topics(principal_prefix: str, process: str | None, form: str) -> None:
    """Print the access control lists that each process needs, and no more.

    The commands take the brokers from KAFKA_BOOTSTRAP_SERVERS, and from KAFKA_ADMIN_PROPERTIES the file with which an
    administrator signs in. No broker is asked.
    """
    from workers.kafka_acls import kafka_acls, rights

    found = rights(load().kafka, principal_prefix)
    if process is not None:
        known = dict.fromkeys(one.principal.removeprefix(principal_prefix) for one in found)
        if process not in known:
            raise click.UsageError(f"no process is called {process}; they are {', '.join(known)}")
        found = [one for one in found if one.principal == principal_prefix + process]
    if form == "json":
        print_json({"items": [asdict(one) for one in found], "next": None})
        return
    for command in kafka_acls(found):
        click.echo(command)
