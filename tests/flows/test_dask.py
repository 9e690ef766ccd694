"""Dask: two workers with homes of their own do the heavy steps, and what comes of them is the same."""

from __future__ import annotations

import datetime
import json
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from infra import catalog as records
from infra.catalog import Catalog, upgrade
from infra.store import Store
from tests.conftest import new_bucket
from tests.flows.conftest import CommandLine, free_port

EXAMPLES = Path(__file__).parents[2] / "examples"
N_WORKERS = 2


def write_certificate(folder: Path) -> dict[str, str]:
    """A certificate for the loopback that signs itself, as Dask's settings name it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "trainyard test")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(minutes=5))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    (folder / "cert.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    variables = {"DASK_DISTRIBUTED__COMM__TLS__CA_FILE": str(folder / "cert.pem")}
    for role in ("CLIENT", "WORKER", "SCHEDULER"):
        variables[f"DASK_DISTRIBUTED__COMM__TLS__{role}__CERT"] = str(folder / "cert.pem")
        variables[f"DASK_DISTRIBUTED__COMM__TLS__{role}__KEY"] = str(folder / "key.pem")
    return {**variables, "DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION": "true"}


@contextmanager
def running(log: Path, *arguments: str, **variables: str) -> Iterator[None]:
    """`dask …` for the length of a `with` block."""
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *arguments],
            env={**os.environ, **variables},
            cwd=log.parent,
            stdout=file,
            stderr=file,
        )
        try:
            yield
        finally:
            # They hold nothing, and take seconds over a polite end.
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Cluster:
    environment: dict[str, str]
    homes: tuple[Path, ...]


@pytest.fixture(scope="module")
def cluster(
    tmp_path_factory: pytest.TempPathFactory,
    prefect_api: str,
    postgres_server: str,
    s3_server: dict[str, str],
) -> Iterator[Cluster]:
    """A scheduler and two workers, which share a database, a store and a Prefect server."""
    folder = tmp_path_factory.mktemp("dask")
    with psycopg.connect(postgres_server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE dask_test")
    catalog_url = postgres_server.replace("/postgres?", "/dask_test?")
    upgrade(catalog_url)
    address = f"tls://127.0.0.1:{free_port()}"
    environment = {
        **write_certificate(folder),
        **s3_server,
        "TRAINYARD_CATALOG_URL": catalog_url,
        "TRAINYARD_STORE_URL": f"{new_bucket(s3_server)}/store",
        "TRAINYARD_PREFECT_API_URL": prefect_api,
        "TRAINYARD_TASK_RUNNER": "dask",
        "TRAINYARD_DASK_SCHEDULER": address,
    }
    homes = tuple(folder / f"worker-{number}" for number in range(N_WORKERS))
    with ExitStack() as stack:
        start = ["scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2], "--no-dashboard"]
        tls = ["--tls-ca-file", str(folder / "cert.pem"), "--tls-cert", str(folder / "cert.pem")]
        tls += ["--tls-key", str(folder / "key.pem")]
        stack.enter_context(
            running(folder / "scheduler.log", *start, "--protocol", "tls", *tls, **environment)
        )
        for home in homes:
            work = ["worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
            work += ["--preload", "tasks.dask_worker"]
            stack.enter_context(
                running(
                    folder / f"{home.name}.log",
                    *work,
                    **environment,
                    TRAINYARD_HOME=str(home),
                    TRAINYARD_WORKERS="1",
                )
            )
        _wait_for_workers(address, folder)
        yield Cluster(environment, homes)


def _wait_for_workers(address: str, folder: Path) -> None:
    from distributed import Client
    from distributed.security import Security

    certificate, key = str(folder / "cert.pem"), str(folder / "key.pem")
    security = Security(
        tls_ca_file=certificate, tls_client_cert=certificate, tls_client_key=key, require_encryption=True
    )
    with Client(address, security=security, timeout=60, set_as_default=False) as client:
        client.wait_for_workers(N_WORKERS, timeout=60)


TRACES = """
import json
from tasks.launch import attended, launch
launch()
from prefect import flow
from domain.vision.programs import NetworkLimits, Program
from tasks.policy import task_runner
from tasks.tracing import trace_once
from tasks.workplace import workplace

CODE = (
    "from torch import nn\\ndef build_model(num_classes, channels, size):\\n"
    "    return nn.Sequential(nn.Flatten(), nn.Linear(channels * size * size, num_classes))\\n"
)
PROGRAMS = [Program(CODE, 3, 1, 8, seed) for seed in (0, 1)] + [Program("import os\\n", 3, 1, 8)]

@flow(task_runner=task_runner())
def traces() -> list:
    scratch = workplace().surroundings().scratch
    return [type(one).__name__ for one in trace_once(PROGRAMS, NetworkLimits(), scratch)]

with attended():
    print(json.dumps(traces()))
"""


def test_candidate_networks_are_traced_in_the_sandboxes_of_the_workers(
    trainyard: CommandLine, cluster: Cluster
) -> None:
    assert run_code(TRACES, trainyard, cluster) == ["Traced", "Traced", "Refused"]
    on_workers = [path.name for home in cluster.homes for path in (home / "scratch" / "traces").iterdir()]
    here = [path.name for path in (trainyard.home / "scratch" / "traces").iterdir()]
    assert sorted(on_workers) == sorted(here)
    assert len(here) == 3


EMBEDDINGS = """
import hashlib, json
from tasks.launch import attended, launch
launch()
from prefect import flow
from dataclasses import replace
from strategies.grading.encoder_export import exported_encoder, find_encoder
from strategies.grading.spread_embedding import embed
from tasks.choice import surroundings
from tasks.policy import task_runner

TEXTS = [f"{'roots take up water ' * (n % 7)}{n} leaves absorb sunlight" for n in range(60)]

@flow(task_runner=task_runner())
def embeddings() -> list:
    near = surroundings()
    encoder = exported_encoder(find_encoder("auto"), near.scratch)
    return [
        hashlib.sha256(embed(TEXTS, encoder, place).tobytes()).hexdigest()
        for place in (near, replace(near, spread=None))
    ]

with attended():
    print(json.dumps(embeddings()))
"""


def test_texts_are_embedded_by_the_workers_as_by_the_flow_itself(
    trainyard: CommandLine, cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in cluster.environment if name.startswith("AWS_")]:
        monkeypatch.setenv(name, cluster.environment[name])
    before = contents_of_store(cluster, tmp_path / "before")
    by_workers, here = run_code(EMBEDDINGS, trainyard, cluster)
    assert by_workers == here
    # The encoder stays, as it does with a model that is trained with it; texts and vectors do not.
    left = [
        content
        for key, content in contents_of_store(cluster, tmp_path / "after").items()
        if key not in before
    ]
    assert len(left) == 2
    assert not any(b"roots take up water" in content for content in left)
    assert any("embed_part: a part" in home.with_suffix(".log").read_text() for home in cluster.homes)


def run_code(code: str, trainyard: CommandLine, cluster: Cluster) -> Any:
    """What it prints as JSON at its end, in a process of its own."""
    environment = {**os.environ, **cluster.environment, "TRAINYARD_HOME": str(trainyard.home)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def contents_of_store(cluster: Cluster, cache: Path) -> dict[str, bytes]:
    store = Store.open(cluster.environment["TRAINYARD_STORE_URL"], cache=cache)
    return {key: store.get_bytes(key) for key in store.keys()}  # noqa: SIM118


def same(outcome: dict[str, Any]) -> dict[str, Any]:
    """An outcome of `prepare` without what names the database it is in."""
    dataset = {name: value for name, value in outcome["dataset"].items() if name != "id"}
    ingested = [{**part, "document_ids": len(part["document_ids"])} for part in outcome["ingested"]]
    return {**outcome, "dataset": dataset, "ingested": ingested}


@pytest.fixture
def papers(tmp_path: Path) -> Path:
    """Submissions of the examples in every format, more than one worker gets at once."""
    folder = tmp_path / "papers"
    folder.mkdir()
    for path in sorted((EXAMPLES / "submissions").glob("forces-*")):
        shutil.copy2(path, folder)
    return folder


def test_two_workers_read_the_examples_as_threads_do_in_scratch_folders_of_their_own(
    trainyard: CommandLine, cluster: Cluster, papers: Path
) -> None:
    given = ("--guides", EXAMPLES / "guides", "--submissions", papers, "--allow-rejects")
    by_threads = trainyard.json("prepare", *given)
    by_dask = trainyard.json("prepare", *given, **cluster.environment)
    assert same(by_dask) == same(by_threads)
    # What a worker is sent is laid out in its own scratch folder, and nothing of it stays anywhere.
    for home in cluster.homes:
        assert "submission files were sent here" in home.with_suffix(".log").read_text()
        assert not list((home / "scratch").glob("carried-*"))
        assert not any(tarfile.is_tarfile(path) for path in (home / "cache").glob("??/*"))
    assert by_dask["ingested"][1]["n_read"] == len(list(papers.iterdir()))
    with Catalog.open(cluster.environment["TRAINYARD_CATALOG_URL"]) as catalog:
        assert len(records.files(catalog, "local")) == sum(part["n_files"] for part in by_dask["ingested"])
