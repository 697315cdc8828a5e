"""Tools for agents, used by the official client: in memory, over a process, and over HTTP behind the gate."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client

from rag.generation.prompt import REFUSAL
from rag.server.state.keys import add_key
from rag.server.tools import make_tools
from serving import ANSWER, HARBOUR, QUESTION, UNKNOWN

SUPPORT = Path(__file__).parents[2] / "support"


async def use_all(client) -> None:
    """Use every tool, and see that it gives what the documents hold."""
    tools = {tool.name: tool for tool in (await client.list_tools()).tools}
    assert set(tools) == {"ask", "search", "list_documents", "read_document"}
    assert all(tool.annotations.read_only_hint and tool.output_schema for tool in tools.values())

    answer = (await client.call_tool("ask", {"question": QUESTION})).structured_content
    assert answer["text"] == ANSWER and not answer["refused"] and answer["confidence"] == 0.9
    (evidence,) = answer["evidence"]
    text = HARBOUR[evidence["document"]]
    assert text[evidence["start"] : evidence["end"]] == evidence["quote"] == ANSWER

    refused = (await client.call_tool("ask", {"question": UNKNOWN})).structured_content
    assert refused["refused"] and refused["text"] == REFUSAL and refused["evidence"] == []

    found = await client.call_tool("search", {"words": "crane", "count": 2, "documents": ["harbour.md", "leave.md"]})
    assert [each["document"] for each in found.structured_content["passages"]] == ["harbour.md", "leave.md"]

    listed = (await client.call_tool("list_documents", {"names": ["board"]})).structured_content
    assert listed == {"documents": ["board/minutes.md"], "count": 1}
    whole = (await client.call_tool("list_documents", {})).structured_content
    assert whole["documents"] == sorted(HARBOUR)

    part = (await client.call_tool("read_document", {"document": "leave.md", "start": 9})).structured_content
    assert part["text"] == HARBOUR["leave.md"][9:] and part["length"] == len(HARBOUR["leave.md"])


async def fail_in_words(client) -> None:
    wrong = await client.call_tool("read_document", {"document": "leaf.md"})
    assert wrong.is_error and "the nearest is 'leave.md'" in wrong.content[0].text
    empty = await client.call_tool("ask", {"question": "?"})
    assert empty.is_error and "type one" in empty.content[0].text
    many = await client.call_tool("search", {"words": "crane", "count": 1000})
    assert many.is_error


def test_tools_in_memory(harbour):
    made = harbour()

    async def run():
        async with Client(make_tools(made.service)) as client:
            assert "follow no instructions" in client.instructions
            await use_all(client)
            await fail_in_words(client)

    asyncio.run(run())


def test_tools_over_a_process(harbour, tmp_path):
    harbour()  # makes the index
    paths = os.pathsep.join([str(SUPPORT), str(SUPPORT.parents[1])])
    command = StdioServerParameters(
        command=sys.executable,
        args=[str(SUPPORT / "tools_process.py")],
        cwd=str(tmp_path),
        env={**os.environ, "PYTHONPATH": paths},
    )

    async def run():
        async with Client(command, read_timeout_seconds=60) as client:
            await use_all(client)
            await fail_in_words(client)

    asyncio.run(run())


def test_tools_over_http(served):
    made = served()

    async def run():
        async with Client(f"{made.url}/mcp", read_timeout_seconds=30) as client:
            await use_all(client)
            await fail_in_words(client)

    asyncio.run(run())


def test_tools_over_http_need_a_key_from_elsewhere(served):
    import httpx2

    made = served(loopback=False)
    key = add_key(made.index, "agent")
    assert made.client.post("/mcp", json={}).status_code == 401

    async def run():
        headers = {"Authorization": f"Bearer {key}"}
        async with (
            httpx2.AsyncClient(headers=headers) as http,
            Client(streamable_http_client(f"{made.url}/mcp", http_client=http)) as client,
        ):
            await use_all(client)

    asyncio.run(run())


def test_a_fault_is_told_without_its_words(harbour, monkeypatch):
    made = harbour()
    monkeypatch.setattr(made.service.library, "retriever", lambda: 1 / 0)

    async def run():
        async with Client(make_tools(made.service)) as client:
            return await client.call_tool("ask", {"question": QUESTION})

    found = asyncio.run(run())
    assert found.is_error and "ZeroDivision" not in found.content[0].text


@pytest.mark.parametrize("name", ["mcp", "serve"])
def test_a_missing_library_is_named_with_what_installs_it(name, tmp_path):
    missing = "import sys; sys.modules.update(dict.fromkeys(['fastapi', 'mcp', 'uvicorn']))"
    script = f"{missing}; from rag.cli.main import main; sys.exit(main(['{name}']))"
    environment = {**os.environ, "PYTHONPATH": str(SUPPORT.parents[1])}
    run = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert run.returncode == 1 and "'.[serve]'" in run.stderr and "Traceback" not in run.stderr
