"""Fixtures of servers, for the tests of several folders."""

import contextlib
from types import SimpleNamespace

import pytest

from serving import on_a_socket, settings_of, until, without_models, write_documents

TOKEN = "token-of-this-user"


@pytest.fixture
def harbour(tmp_path, monkeypatch):
    """Return a function that makes a server's application over three small documents, without models.

    overrides: settings. rules: what replaces of the gate's rules. indexed: whether there is an index at first. more:
    endpoints of other packages. watch: folders.
    """
    from rag.factory import index_folder
    from rag.server.api.gate import Rules
    from rag.server.app import create_app, rules_of
    from rag.server.work.service import Service

    monkeypatch.chdir(tmp_path)
    answerers = without_models(monkeypatch.setattr)
    services = []

    def make(*overrides, indexed=True, adapters=None, loopback=True, more=(), watch=(), **rules):
        settings, index = settings_of(*overrides), tmp_path / "index"
        if indexed and not index.exists():
            index_folder(write_documents(tmp_path / "documents"), settings, index)
        service = Service(settings, index, adapters)
        services.append(service)
        whole = Rules(**{**vars(rules_of(service, loopback, TOKEN)), **rules})
        return SimpleNamespace(
            app=create_app(service, whole, more, watch), service=service, index=index, answerers=answerers
        )

    yield make
    for service in services:
        for answerer in answerers.values():
            answerer.free.set()
        service.worker.close()


@pytest.fixture
def served(harbour):
    """Return a function that serves such an application on a socket, and returns it with its `url` and a client."""
    import httpx

    with contextlib.ExitStack() as stack:

        def serve(*overrides, **options):
            made = harbour(*overrides, **options)
            made.url = stack.enter_context(on_a_socket(made.app))
            made.client = stack.enter_context(httpx.Client(base_url=made.url, timeout=30))
            until(lambda: made.answerers)  # the default generator is loaded
            return made

        yield serve


@pytest.fixture
def ended():
    """Return a function that waits until a job has ended, and returns it."""

    def wait(client, job):
        def has_ended():
            found = client.get(f"/jobs/{job['id']}").json()
            return found if found["state"] in ("done", "failed") else None

        return until(has_ended)

    return wait
