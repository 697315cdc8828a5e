"""A server in a process of its own, without models: python serving_process.py PORT_FILE [SECONDS_A_DOCUMENT].

Run in the folder whose `index` it is to serve. Written for tests that kill it.
"""

import sys
import time
from pathlib import Path
from unittest import mock

from serving import settings_of, without_models


def main(seconds: float) -> None:
    from rag.index import indexing_run
    from rag.server.run import serve

    without_models(lambda name, value: mock.patch(name, value).start())
    indexing_run.GROUP = 1  # each document goes in by itself
    put = indexing_run.IndexingRun._put

    def slowly(self, group):
        time.sleep(seconds if group else 0)
        put(self, group)

    indexing_run.IndexingRun._put = slowly
    serve(settings_of("serve.port=0"), Path("index"), {})


if __name__ == "__main__":
    main(float(sys.argv[1]))
