"""Compositions of tasks; and the command line."""

import os

if "PREFECT__FLOW_RUN_ID" in os.environ:
    # A worker started this process. It signs before its flow run is said to be running: from then on it is
    # settled unless its process is seen to live.
    from tasks.launch import sign_for_worker

    sign_for_worker()
