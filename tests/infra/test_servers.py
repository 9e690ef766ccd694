"""The real servers on free ports: pages answer, a worker works, and nothing outlives `up`."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pandas as pd
import psutil
import pytest

from domain.errors import SettingError
from infra.mlflow_access import make_database
from infra.model_forms import GRADER
from infra.model_registry import ModelCode, ModelRegistry
from infra.processes import marked
from infra.servers import prefect_environment, running, serving
from infra.settings import Settings
from infra.tracking import Tracking

ROOT = Path(__file__).resolve().parents[2]
UP = textwrap.dedent("""
    import sys
    from domain.errors import TrainyardError
    from infra.servers import up
    from infra.settings import load_settings

    def say(word):
        return lambda running: print(word, running.prefect_url, flush=True)

    try:
        up(load_settings(), deploy=say("deploy"), ready=say("ready"))
    except TrainyardError as error:
        print(error, flush=True)
        sys.exit(1)
    print("stopped", flush=True)
""")
FLOW = textwrap.dedent("""
    from pathlib import Path
    from prefect import flow

    @flow
    def leave_word(place: str, word: str = "here"):
        Path(place).write_text(word)

    if __name__ == "__main__":
        import sys
        leave_word(sys.argv[1], "before")
""")


@dataclass
class Up:
    """A running `up` in a process of its own."""

    process: subprocess.Popen
    settings: Settings

    def line(self) -> str:
        return self.process.stdout.readline().strip()

    def end(self, signum) -> str:
        """Sends the signal and returns what was printed until the end."""
        self.process.send_signal(signum)
        return self.process.communicate(timeout=60)[0]


def free_ports(n):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(n)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def settings_for(home):
    prefect_port, mlflow_port = free_ports(2)
    return Settings(_env_file=None, home=home, prefect_port=prefect_port, mlflow_port=mlflow_port)


def start(settings, **variables):
    environment = {
        **os.environ,
        **variables,
        "TRAINYARD_HOME": str(settings.home),
        "TRAINYARD_PREFECT_PORT": str(settings.prefect_port),
        "TRAINYARD_MLFLOW_PORT": str(settings.mlflow_port),
    }
    process = subprocess.Popen(
        [sys.executable, "-c", UP], env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    return Up(process, settings)


def is_quiet(home, seconds=40):
    """Whether within `seconds` no process of this home is left."""
    deadline = time.monotonic() + seconds
    while left := marked(str(home)):
        if time.monotonic() > deadline:
            return [psutil.Process(one.pid).cmdline() for one in left] == []
        time.sleep(0.1)
    return True


@pytest.fixture(scope="module")
def flow_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("flow") / "words.py"
    file.write_text(FLOW)
    return file


@pytest.fixture(scope="module")
def used_home(tmp_path_factory, flow_file):
    """A home in which a flow ran, in a process of its own, before any server was up. To be copied."""
    home = tmp_path_factory.mktemp("used")
    settings = settings_for(home)
    make_database(settings.mlflow_tracking_uri)
    environment = {**os.environ, **prefect_environment(settings)}
    subprocess.run([sys.executable, flow_file, home / "before.txt"], env=environment, check=True)
    return home


@pytest.fixture
def copied_home(used_home, tmp_path):
    return Path(shutil.copytree(used_home, tmp_path / "home"))


@pytest.fixture(scope="module")
def home(used_home, tmp_path_factory):
    return Path(shutil.copytree(used_home, tmp_path_factory.mktemp("served") / "home"))


@pytest.fixture(scope="module")
def servers(home):
    started = start(settings_for(home), TRAINYARD_GROQ_API_KEY="gsk-hidden")
    words = [started.line(), started.line()]
    assert [word.split()[0] for word in words] == ["deploy", "ready"], started.process.communicate()
    yield started
    assert started.end(signal.SIGTERM).strip() == "stopped"
    assert started.process.returncode == 0
    assert marked(str(home)) == []
    assert running(home) is None


@pytest.fixture
def api(servers):
    """Prefect's API as its pages use it: with the token that writing needs."""
    with httpx.Client(base_url=f"http://127.0.0.1:{servers.settings.prefect_port}/api") as client:
        me = "00000000-0000-0000-0000-000000000001"
        token = client.get("/csrf-token", params={"client": me}).json()["token"]
        client.headers.update({"Prefect-Csrf-Token": token, "Prefect-Csrf-Client": me})
        yield client


def test_both_servers_show_their_pages(servers, home):
    there = running(home)
    assert there.prefect_url == f"http://127.0.0.1:{servers.settings.prefect_port}"
    for url in (
        there.prefect_url,
        f"{there.prefect_api_url}/health",
        there.mlflow_url,
        f"{there.mlflow_url}/health",
    ):
        assert httpx.get(url, follow_redirects=True).status_code == 200, url
    assert {one.name for one in there.processes} == {"Prefect server", "MLflow server", "worker"}


def test_only_the_worker_is_given_our_keys(home):
    told = {one.name: psutil.Process(one.pid).environ() for one in running(home).processes}
    assert [name for name in told if "gsk-hidden" in told[name].values()] == ["worker"]
    assert "hidden" not in str([psutil.Process(one.pid).cmdline() for one in running(home).processes])


def test_each_server_keeps_a_log(servers, home):
    assert {path.name for path in (home / "logs").glob("*.log")} == {
        "prefect-server.log",
        "mlflow-server.log",
        "worker.log",
    }


def test_prefect_shows_the_flow_runs_that_ran_before_it_was_up(api):
    runs = api.post("/flow_runs/filter", json={}).json()
    assert "before" in [run["parameters"].get("word") for run in runs]


def test_a_flow_deployed_to_the_pool_runs_in_the_worker(servers, home, flow_file, tmp_path):
    environment = {**os.environ, **prefect_environment(servers.settings)}
    assert environment["PREFECT_API_URL"] == running(home).prefect_api_url
    prefect = [sys.executable, "-m", "prefect"]
    place = tmp_path / "word.txt"
    deploy = ["deploy", f"{flow_file.name}:leave_word", "--name", "test", "--pool", "trainyard"]
    subprocess.run([*prefect, "--no-prompt", *deploy], env=environment, cwd=flow_file.parent, check=True)
    asked = ["deployment", "run", "leave-word/test", "-p", f"place={place}", "--watch"]
    subprocess.run([*prefect, *asked], env=environment, check=True, timeout=120)
    assert place.read_text() == "here"


def test_flow_runs_start_without_a_process_that_prepares_what_is_installed(home, api):
    variables = api.get("/work_pools/trainyard").json()["base_job_template"]["variables"]["properties"]
    assert variables["command"]["default"] == "python -m prefect.engine"
    worker = next(one for one in running(home).processes if one.name == "worker")
    path = psutil.Process(worker.pid).environ()["PATH"]
    assert shutil.which("python", path=path) == str(Path(sys.executable).with_name("python"))


def test_another_sites_page_can_not_write(servers):
    base = f"http://127.0.0.1:{servers.settings.prefect_port}/api"
    assert httpx.post(f"{base}/flows/", json={"name": "evil"}).status_code == 403
    asked = httpx.get(f"{base}/health", headers={"Origin": "http://evil.example"})
    assert "access-control-allow-origin" not in asked.headers
    mlflow = f"http://127.0.0.1:{servers.settings.mlflow_port}/api/2.0/mlflow/experiments/search"
    assert httpx.get(mlflow, headers={"Host": "evil.example"}).status_code == 403


def test_mlflow_serves_the_artifacts_of_runs_that_were_logged_without_it(servers, tmp_path):
    settings = servers.settings
    tracking = Tracking(settings.mlflow_tracking_uri, settings.mlflow_artifact_root)
    run_id = tracking.start_or_reopen("grading", "direct", {})
    (tmp_path / "report.html").write_text("<p>findings</p>")
    tracking.log_artifacts(run_id, tmp_path, "report")
    address = f"http://127.0.0.1:{settings.mlflow_port}/get-artifact"
    answer = httpx.get(address, params={"path": "report/report.html", "run_uuid": run_id})
    assert answer.text == "<p>findings</p>"


def test_a_tracking_server_as_the_address_keeps_runs_and_models_too(servers, tmp_path):
    tracking = Tracking(f"http://127.0.0.1:{servers.settings.mlflow_port}")
    run_id = tracking.start_or_reopen("over http", "remote", {"job": "j"})
    for _ in range(2):
        tracking.log_iteration_metrics(run_id, 1, {"qwk": 0.5})
    tracking.log_json(run_id, {"a": 1}, "data/a.json")
    entry = tmp_path / "entry.py"
    entry.write_text(
        "import pandas\nfrom mlflow.models import set_model\nfrom mlflow.pyfunc import PythonModel\n"
        "class Model(PythonModel):\n"
        "    def predict(self, context, model_input: pandas.DataFrame, params=None):\n"
        "        return model_input\n"
        "set_model(Model())\n"
    )
    row = {"question": "q", "model_answer": "a", "max_score": 1.0, "answer": "a"}
    registry = ModelRegistry(tracking)
    for _ in range(2):
        version = registry.register(
            run_id, {"key.json": b"{}"}, {}, name="remote", form=GRADER, code=ModelCode(entry), tags={},
            example=pd.DataFrame([row]),
        )  # fmt: skip
    assert (version.version, version.metrics) == (1, {"qwk": 0.5})
    registry.promote("remote", 1)
    folder = registry.download_model("models:/remote@champion", tmp_path / "down")
    assert (folder / "key.json").read_bytes() == b"{}"
    tracking.end(run_id, "FINISHED")


def test_a_second_up_for_the_same_home_names_the_first(servers, home):
    with pytest.raises(SettingError, match=f"process {servers.process.pid}"), serving(settings_for(home)):
        pass


def test_another_home_on_the_same_port_is_told_which_setting_to_change(servers, tmp_path):
    taken = servers.settings.model_copy(update={"home": tmp_path})
    with (
        pytest.raises(SettingError, match=f"port {taken.prefect_port} .*TRAINYARD_PREFECT_PORT"),
        serving(taken),
    ):
        pass
    assert marked(str(tmp_path)) == []
    assert running(tmp_path) is None


def test_when_one_of_them_dies_all_are_stopped_and_its_log_is_named(copied_home):
    started = start(settings_for(copied_home))
    assert started.line(), started.line()
    doomed = next(one for one in running(copied_home).processes if one.name == "MLflow server")
    os.kill(doomed.pid, signal.SIGKILL)
    said = started.process.communicate(timeout=60)[0]
    assert "MLflow server ended with exit code -9" in said
    assert "mlflow-server.log" in said
    assert started.process.returncode == 1
    assert marked(str(copied_home)) == []


def test_killing_up_itself_with_minus_nine_leaves_no_process_and_is_not_taken_for_running(copied_home):
    # With a password, too: clients of ours know it, strangers are turned away.
    started = start(settings_for(copied_home), PREFECT_SERVER_API_AUTH_STRING="user:word")
    assert [started.line().split()[0], started.line().split()[0]] == ["deploy", "ready"]
    pool = f"{running(copied_home).prefect_api_url}/work_pools/trainyard"
    assert httpx.get(pool).status_code == 401
    assert httpx.get(pool, auth=("user", "word")).status_code == 200
    started.end(signal.SIGKILL)
    assert running(copied_home) is None
    assert (copied_home / "servers.json").exists()
    assert is_quiet(copied_home)


def test_a_proxy_in_the_environment_does_not_stand_between_us_and_our_servers(tmp_path, monkeypatch):
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert "NO_PROXY" not in prefect_environment(settings_for(tmp_path))
    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "intranet.example")
    environment = prefect_environment(settings_for(tmp_path))
    assert environment["NO_PROXY"] == environment["no_proxy"] == "intranet.example,127.0.0.1,localhost"


def test_a_file_of_another_make_is_not_taken_for_running(tmp_path):
    (tmp_path / "servers.json").write_text(json.dumps({"prefect_url": 3}))
    assert running(tmp_path) is None


def test_the_variables_for_prefect_keep_everything_in_this_home_unless_a_server_is_named(tmp_path):
    environment = prefect_environment(settings_for(tmp_path))
    assert "PREFECT_API_URL" not in environment
    assert environment["PREFECT_HOME"].startswith(str(tmp_path))
    assert str(tmp_path) in environment["PREFECT_API_DATABASE_CONNECTION_URL"]
    external = settings_for(tmp_path).model_copy(update={"prefect_api_url": "http://prefect.example/api"})
    assert prefect_environment(external)["PREFECT_API_URL"] == "http://prefect.example/api"
